import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import { onTestFinished } from 'vitest'
import type { Page } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']
const paths = (process.env['PATH'] ?? '').split(delimiter)
const found = NAMES.flatMap(name => paths.map(path => join(path, name))).find(path => existsSync(path))

if (found == null) console.log('Skipped: chromium is not installed (Debian: apt-get install chromium)')

/** What runs in a real browser is skipped without one. */
export const isChromiumMissing = found == null

/** A page of a headless Chromium of its own, for as long as the test. What it complains of is in `complaints`. */
export async function openPage (url: string): Promise<{ readonly page: Page, readonly complaints: string[] }> {
  const browser = await chromium.launch({ executablePath: found!, chromiumSandbox: false })
  onTestFinished(async () => { await browser.close() })

  const page = await browser.newPage()
  const complaints: string[] = []
  page.on('pageerror', error => { complaints.push(String(error)) })
  page.on('console', message => { if (message.type() === 'error') complaints.push(message.text()) })
  await page.goto(url)

  return { page, complaints }
}
