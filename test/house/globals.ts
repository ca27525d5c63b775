import ts from 'typescript'
import { lineOf, nodesOf } from './source.ts'

export interface GlobalUse {
  readonly name: string
  readonly line: number

  /** The whole expression: `Date.now`, `new Date`, `setTimeout`. */
  readonly text: string
}

/** Uses of these global values: names that the file does not declare itself, outside types, and properties of `globalThis`. */
export function globalUses (source: ts.SourceFile, names: readonly string[]): GlobalUse[] {
  const nodes = nodesOf(source)
  const declared = new Set(nodes.flatMap(node => declaredBy(node)))

  return nodes
    .filter(node => ts.isIdentifier(node))
    .filter(node => names.includes(node.text) && isValue(node) && (isOfGlobalThis(node) || (isFree(node) && !declared.has(node.text))))
    .map(node => ({ name: node.text, line: lineOf(node), text: textAround(node) }))
}

/** Names that the file asks for with `typeof` before it uses them. */
export function guarded (source: ts.SourceFile): Set<string> {
  return new Set(nodesOf(source).flatMap(node => ts.isTypeOfExpression(node) ? [node.expression.getText()] : []))
}

function declaredBy (node: ts.Node): string[] {
  const declares = ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node) || ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) || ts.isClassDeclaration(node) || ts.isImportSpecifier(node) || ts.isImportClause(node) || ts.isNamespaceImport(node)

  return declares && node.name != null && ts.isIdentifier(node.name) ? [node.name.text] : []
}

/** The name behind `extends` counts as a type here: nobody extends a global that matters. */
function isValue (node: ts.Identifier): boolean {
  return ts.findAncestor(node, ts.isTypeNode) == null
}

/** Neither a property, a key nor the name of a declaration. */
function isFree (node: ts.Identifier): boolean {
  const parent = node.parent as ts.Node & { name?: ts.Node, propertyName?: ts.Node, label?: ts.Node }
  const isName = [parent.name, parent.propertyName, parent.label].includes(node)

  return (!isName || ts.isShorthandPropertyAssignment(parent)) && !ts.isTypeOfExpression(parent)
}

function isOfGlobalThis ({ parent, text }: ts.Identifier): boolean {
  return ts.isPropertyAccessExpression(parent) && parent.name.text === text && /^(globalThis|window|self|global)$/.test(parent.expression.getText())
}

function textAround ({ parent, text }: ts.Identifier): string {
  if (ts.isPropertyAccessExpression(parent)) return parent.getText()
  return ts.isNewExpression(parent) ? `new ${text}` : text
}
