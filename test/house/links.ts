import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'

/** Where a page leads to beside itself, from the package's folder; the web and places within a page are left out. */
export function linksIn (page: string, text: string): string[] {
  return [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)]
    .map(([, link = '']) => link)
    .filter(link => !link.includes(':'))
    .map(link => posix.join(posix.dirname(page), link))
}

/** Every page and picture that a reader comes to from a page, whether it is there or not. */
export function pagesFrom (page: string, folder: string, seen = new Set<string>()): string[] {
  seen.add(page)
  const path = posix.join(folder, page)
  const links = page.endsWith('.md') && existsSync(path) ? linksIn(page, readFileSync(path, 'utf8')) : []

  for (const link of links) if (!seen.has(link)) pagesFrom(link, folder, seen)
  return [...seen]
}
