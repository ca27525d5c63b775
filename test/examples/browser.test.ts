import { describe, expect, it } from 'vitest'
import { isChromiumMissing, openPage } from '../support/chromium.ts'
import { startExample } from '../support/example.ts'

describe.skipIf(isChromiumMissing)('the browser page', () => {
  it('has a node that dials the guarded one, and protects it', async () => {
    const example = startExample('browser/serve.ts')
    const url = await example.saw('http://')
    const { page, complaints } = await openPage(url)
    const peer = new URL(url).searchParams.get('to')!.split('/').at(-1)!

    await page.waitForFunction('document.querySelector("#log").textContent.includes("trimmed above")')
    expect(await page.textContent('#log')).toBe(`connected to ${peer}\n1 open, 1 protected, trimmed above 12\n`)
    expect(complaints).toEqual([])
    expect((await example.stop()).complaints).toBe('')
  })
})
