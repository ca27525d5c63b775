import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'
import { ROOT, nodesOf, parse, textOf } from './source.ts'

/** A block of TypeScript from a page or a doc comment. */
export interface Example {
  readonly file: string
  readonly line: number

  /** As it is written there. */
  readonly code: string
}

/** The doors by the names that users import. */
const DOORS: Readonly<Record<string, string>> = {
  'libp2p-connmgr': 'src/index.ts',
  'libp2p-connmgr/limiter': 'src/limiter.ts',
  'libp2p-connmgr/server': 'src/server.ts',
  'libp2p-connmgr/testing': 'src/testing.ts'
}

/** Real nodes start and stop in most of them. */
const TIME_LIMIT = 20_000

/** The blocks fenced as `ts`, on a page or in a doc comment of TypeScript. */
export function examplesIn (file: string, content = textOf(file)): Example[] {
  const isCode = file.endsWith('.ts')
  const fence = isCode ? /^ *\* ```ts\n((?: *\*.*\n)*?) *\* ```$/gm : /^```ts\n([\s\S]*?)^```$/gm

  return [...content.matchAll(fence)].map(({ index, 1: code = '' }) => ({
    file,
    line: content.slice(0, index).split('\n').length + 1,
    code: isCode ? code.replaceAll(/^ *\* ?/gm, '') : code
  }))
}

/**
 * The block as it runs from the package's folder: our doors are the sources', and what a doc comment of an inner file shows is in scope.
 */
export function runnable ({ file, code }: Example, urlOf: (path: string) => string = path => pathToFileURL(ROOT + path).href): string {
  const doors = code.replaceAll(/(?<= from )'(libp2p-connmgr[^']*)'/g, (_, door: string) => `'${urlOf(DOORS[door] ?? `no such door: ${door}`)}'`)
  if (!file.endsWith('.ts') || doors !== code) return doors

  const names = exportsOf(file).filter(name => new RegExp(`\\b${name}\\b`).test(code))
  return names.length === 0 ? code : `import { ${names.join(', ')} } from '${urlOf(file)}'; ${code}`
}

/** What `console.log(…) // this` says that it prints, line by line. */
export function promises (code: string): string[] {
  return [...code.matchAll(/^ *console\.log\(.*\) \/\/ (.+)$/gm)].map(([, printed = '']) => printed)
}

export interface Outcome {
  /** Null for one that did not end by itself. */
  readonly code: number | null
  readonly printed: readonly string[]
  readonly stderr: string
}

/** In a process of its own, which must end by itself. */
export async function runExample (example: Example): Promise<Outcome> {
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', runnable(example)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIME_LIMIT,
    killSignal: 'SIGKILL'
  })
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])

  return { code: code as number | null, printed: stdout.split('\n').filter(line => line !== ''), stderr }
}

/** As the compiler sees all of them at once, with the package's own settings. @returns its complaints */
export function typeErrors (examples: readonly Example[]): string[] {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, path => ts.sys.readFile(path)) as { config: { compilerOptions: object } }
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, noUnusedLocals: false }, ROOT)
  const places = new Map(examples.map((example, i) => [`${ROOT}example-${i}.ts`, example]))

  // `export {}` makes each a module, so that no name of one meets another's
  const sources = new Map([...places].map(([path, example]) => [path, `${runnable(example, to => `./${to}`)}\nexport {}\n`]))
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host

  host.fileExists = path => sources.has(path) || fileExists(path)
  host.readFile = path => sources.get(path) ?? readFile(path)
  host.getSourceFile = (path, version, ...rest) => {
    const source = sources.get(path)
    return source == null ? getSourceFile(path, version, ...rest) : ts.createSourceFile(path, source, version)
  }

  const program = ts.createProgram([...sources.keys()], options, host)

  return [...places].flatMap(([path, { file, line }]) => {
    const source = program.getSourceFile(path)
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(({ start = 0, messageText }) => {
      const within = source?.getLineAndCharacterOfPosition(start).line ?? 0
      return `${file}:${line + within}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
    })
  })
}

function exportsOf (file: string): string[] {
  return nodesOf(parse(file, textOf(file))).flatMap(node => {
    const exported = (ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isVariableStatement(node)) &&
      node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
    if (!exported) return []

    const names = ts.isVariableStatement(node) ? node.declarationList.declarations.map(({ name }) => name) : [node.name]
    return names.flatMap(name => name != null && ts.isIdentifier(name) ? [name.text] : [])
  })
}
