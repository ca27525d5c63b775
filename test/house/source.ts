import { globSync, readFileSync } from 'node:fs'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The package's folder, with a slash at its end. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const parsed = new Map<string, ts.SourceFile>()

/** Paths from the package's folder, with forward slashes, in order. */
export function sourceFiles (pattern = 'src/**/*.ts'): string[] {
  return globSync(pattern, { cwd: ROOT }).map(path => path.replaceAll(sep, '/')).sort()
}

export function textOf (path: string): string {
  return readFileSync(ROOT + path, 'utf8')
}

/** Each file is read once. */
export function sourceOf (path: string): ts.SourceFile {
  const known = parsed.get(path)
  if (known != null) return known

  const source = parse(path, textOf(path))
  parsed.set(path, source)
  return source
}

export function parse (path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
}

export function lineOf (node: ts.Node): number {
  const source = node.getSourceFile()
  return source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
}

/** Every node below `node`, itself first. Comments are none. */
export function nodesOf (node: ts.Node, nodes: ts.Node[] = []): readonly ts.Node[] {
  nodes.push(node)
  ts.forEachChild(node, child => { nodesOf(child, nodes) })
  return nodes
}
