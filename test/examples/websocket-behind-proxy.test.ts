import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { isMissing } from '../server/support/programs.ts'
import { v2Header } from '../server/support/proxy-header.ts'
import { EXAMPLES, startExample } from '../support/example.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'

async function start (): Promise<number> {
  return Number(new URL(await startExample('websocket-behind-proxy/server.ts').saw('http://')).port)
}

/** What the server says to it, or why it says nothing. */
interface Visit {
  readonly webSocket: WebSocket
  readonly opened: Promise<boolean>
  say (text: string): Promise<string>
}

function visit (webSocket: WebSocket): Visit {
  onTestFinished(() => { webSocket.terminate() })
  webSocket.on('error', () => {})

  return {
    webSocket,
    opened: new Promise(resolve => {
      webSocket.once('open', () => { resolve(true) })
      webSocket.once('close', () => { resolve(false) })
    }),
    say: async text => {
      webSocket.send(text)
      const [data] = await once(webSocket, 'message') as [Buffer]
      return String(data)
    }
  }
}

/** A connection of a proxy on this machine, which says that it is this client's. */
function throughProxy (port: number, source: string): Visit {
  const createConnection = () => {
    const socket = connect(port, '127.0.0.1')
    socket.write(v2Header({ source, port: 40_000 }))
    return socket
  }

  return visit(new WebSocket(`ws://127.0.0.1:${port}`, { createConnection }))
}

describe('the WebSocket server behind a proxy', () => {
  it('knows its clients, and gives each five connections', async () => {
    const port = await start()
    const visits = Array.from({ length: 5 }, () => throughProxy(port, '203.0.113.7'))

    expect(await Promise.all(visits.map(async ({ opened }) => opened))).toEqual([true, true, true, true, true])
    expect(await visits[0]!.say('hello')).toBe('203.0.113.7: hello')
    expect(await throughProxy(port, '203.0.113.7').opened).toBe(false)
    expect(await throughProxy(port, '203.0.113.8').opened).toBe(true)
  })

  it('does not hear more than 20 messages at once, on whatever connection', async () => {
    const { opened, webSocket, say } = throughProxy(await start(), '203.0.113.9')
    const answers: string[] = []

    await opened
    expect(await say('0')).toBe('203.0.113.9: 0')
    webSocket.on('message', data => { answers.push(String(data)) })
    for (let i = 1; i <= 25; i++) webSocket.send(String(i))

    const [code] = await once(webSocket, 'close')
    expect({ code, answers: answers.length }).toEqual({ code: 1008, answers: 19 })
  })

  it('lets nobody in who comes past the proxy', async () => {
    expect(await visit(new WebSocket(`ws://127.0.0.1:${await start()}`)).opened).toBe(false)
  })
})

describe.skipIf(isMissing('haproxy'))('with the HAProxy of its folder', () => {
  it('hears who they are', async () => {
    const PORT = await freePort()
    const proxy = spawn('haproxy', ['-db', '-q', '-f', `${EXAMPLES}websocket-behind-proxy/haproxy.cfg`], {
      stdio: 'ignore',
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin`, APP: String(await start()), PORT: String(PORT) }
    })
    onTestFinished(() => { proxy.kill('SIGKILL') })

    await until('HAProxy listens', async () => visit(new WebSocket(`ws://127.0.0.1:${PORT}`)).opened)
    const { opened, say } = visit(new WebSocket(`ws://127.0.0.1:${PORT}`, { localAddress: '127.0.12.3' }))
    expect(await opened).toBe(true)
    expect(await say('hello')).toBe('127.0.12.3: hello')
  })
})
