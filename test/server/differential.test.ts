import { describe, expect, it } from 'vitest'
import { connectionLimiter } from '../../src/limiter/connection-limiter.ts'
import { securityGate } from '../../src/limiter/security-gate.ts'
import { limitConnections } from '../../src/server/limit-connections.ts'
import { limitRequests } from '../../src/server/limit-requests.ts'
import { until } from '../support/until.ts'
import { ask } from './support/clients.ts'
import { isMissing, startServer } from './support/programs.ts'
import { createHttp, listen } from './support/servers.ts'
import type { ServerResponse } from 'node:http'
import type { Reply } from './support/clients.ts'

const CLIENTS = Array.from({ length: 25 }, (_, at) => `127.9.${at % 5}.${at + 1}`)
const EACH = 6
const LIMIT = 3

/** How many of each client's simultaneous requests were admitted, where admitted ones are held until all are decided. */
async function simultaneous (port: number, held: readonly ServerResponse[]): Promise<Record<string, number>> {
  const replies: Array<{ readonly client: string, readonly reply: Reply }> = []
  const all = Array.from({ length: EACH }, () => CLIENTS).flat().map(async localAddress => {
    replies.push({ client: localAddress, reply: await ask('http', { port, localAddress }) })
  })

  await until('each is held or refused', () => held.length + replies.length === EACH * CLIENTS.length)
  for (const res of held) res.end('ok')
  await Promise.all(all)
  return countByClient(replies)
}

async function oneByOne (port: number): Promise<Record<string, number>> {
  const replies = await Promise.all(CLIENTS.map(async client => {
    const all = []
    for (let count = 0; count < 2 * EACH; count++) all.push({ client, reply: await ask('http', { port, localAddress: client }) })
    return all
  }))

  return countByClient(replies.flat())
}

function countByClient (replies: ReadonlyArray<{ readonly client: string, readonly reply: Reply }>): Record<string, number> {
  return Object.fromEntries(CLIENTS.map(each => [each, replies.filter(({ client, reply }) => client === each && reply.status === 200).length]))
}

async function backend (): Promise<{ readonly port: number, readonly held: ServerResponse[] }> {
  const held: ServerResponse[] = []
  return { port: await listen(createHttp('http', (_, res) => { held.push(res) })), held }
}

async function ours (): Promise<Record<string, number>> {
  const held: ServerResponse[] = []
  const server = createHttp('http', (_, res) => { held.push(res) })
  limitConnections(server, connectionLimiter({ maxConnsPerIp: LIMIT }))
  return simultaneous(await listen(server), held)
}

const nginx = (port: number, folder: string, zone: string, location: string): string => `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log; events { worker_connections 1000; }
http {
  access_log off; client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c; uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  ${zone}
  server { listen 127.0.0.1:${port}; location / { ${location} } }
}`

describe.skipIf(isMissing('nginx'))('the same load through nginx', () => {
  it('limit_conn admits as many of each client', async () => {
    const { port: behind, held } = await backend()
    const port = await startServer('nginx', (own, folder) => nginx(own, folder, 'limit_conn_zone $binary_remote_addr zone=z:1m;', `limit_conn z ${LIMIT}; proxy_pass http://127.0.0.1:${behind};`))

    expect(await ours()).toEqual(await simultaneous(port, held))
  })

  it('limit_req admits as many of each client: its burst and one more are our token bucket', async () => {
    const port = await startServer('nginx', (own, folder) => nginx(own, folder, 'limit_req_zone $binary_remote_addr zone=z:1m rate=1r/m;', `limit_req zone=z burst=4 nodelay; root ${folder}; try_files /conf =404;`))
    const gate = securityGate({ connectRate: false, requestRate: false, clientRequestRate: { strategy: 'token-bucket', limit: 5, window: 5 * 60_000 }, risk: false })
    const limit = limitRequests(gate)
    const server = createHttp('http', (req, res) => {
      limit(req, res, () => { res.end() })
    })
    limitConnections(server, gate)

    const theirs = await oneByOne(port)
    expect(await oneByOne(await listen(server))).toEqual(theirs)
    expect(new Set(Object.values(theirs))).toEqual(new Set([5]))
  })
})

describe.skipIf(isMissing('haproxy'))('the same load through HAProxy', () => {
  it('conn_cur admits as many of each client', async () => {
    const { port: behind, held } = await backend()
    const port = await startServer('haproxy', own => `
global
  maxconn 2000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:${own}
  stick-table type ip size 10k store conn_cur
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc0_conn_cur gt ${LIMIT} }
  default_backend b
backend b
  server s 127.0.0.1:${behind}
`)

    expect(await ours()).toEqual(await simultaneous(port, held))
  })
})
