import { posix } from 'node:path'
import ts from 'typescript'
import { lineOf, nodesOf } from './source.ts'

export interface Import {
  /** The importing file. */
  readonly from: string
  readonly line: number
  readonly specifier: string

  /** The imported file, for a relative specifier. */
  readonly to?: string

  /** Whether it is there at run time; types are erased. */
  readonly kind: 'value' | 'type'
}

/** `import`, `export … from`, `import()` and `import('…').Type`, as the compiler reads them. */
export function importsOf (source: ts.SourceFile): Import[] {
  return nodesOf(source).flatMap(node => {
    const found = specifierOf(node)
    if (found == null) return []

    const { text, kind } = found
    const to = text.startsWith('.') ? posix.join(posix.dirname(source.fileName), text) : undefined

    return [{ from: source.fileName, line: lineOf(node), specifier: text, kind, ...to != null && { to } }]
  })
}

function specifierOf (node: ts.Node): { text: string, kind: Import['kind'] } | undefined {
  if (ts.isImportDeclaration(node)) return found(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
  if (ts.isExportDeclaration(node)) return found(node.moduleSpecifier, node.isTypeOnly)
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return found(node.argument.literal, true)
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return found(node.arguments[0], false)

  return undefined
}

function found (specifier: ts.Node | undefined, isType: boolean): { text: string, kind: Import['kind'] } | undefined {
  return specifier != null && ts.isStringLiteralLike(specifier) ? { text: specifier.text, kind: isType ? 'type' : 'value' } : undefined
}
