import ts from 'typescript'
import { nodesOf, sourceOf } from './source.ts'

/** An option of an init object, and what its doc comment says about its default. */
export interface DocumentedOption {
  readonly name: string

  /** The words of its `@default` tag. */
  readonly text?: string
}

/** The optional fields of an interface, in order. */
export function optionsOf (file: string, name: string): DocumentedOption[] {
  const declaration = nodesOf(sourceOf(file)).find(node => ts.isInterfaceDeclaration(node) && node.name.text === name)
  if (declaration == null || !ts.isInterfaceDeclaration(declaration)) throw new Error(`There is no interface ${name} in ${file}`)

  return declaration.members
    .filter(member => member.questionToken != null)
    .map(member => {
      const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default')
      const text = ts.getTextOfJSDocComment(tag?.comment)

      return { name: member.name?.getText() ?? '', ...text != null && { text } }
    })
}

/** The value of a `@default` tag that is code: `8`, `60_000`, `'evict'`, `{ a: Infinity }`. */
export function valueOf (text: string): unknown {
  return Function(`'use strict'; return (${text})`)() as unknown
}
