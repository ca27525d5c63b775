/** The packages that a text says to install: `npm install a b`. */
export function installedBy (text: string): string[] {
  return [...text.matchAll(/npm install ([\w@/. -]+)/g)].flatMap(([, names = '']) => names.trim().split(' '))
}

/** The packages, Node's own left out, that code imports. */
export function importedBy (code: string): string[] {
  const names = [...code.matchAll(/^(?:import|export) .*from '([^'.][^']*)'$/gm)].map(([, name = '']) => name).filter(name => !name.startsWith('node:'))
  return [...new Set(names.map(name => name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/')))]
}
