import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkPathRule, pathRules } from '../../src/limiter/path-rules.ts'
import { normalizePath } from '../../src/limiter/path-text.ts'

function rulesOf (...names: string[]) {
  const rules = pathRules<string>()
  for (const name of names) rules.set(checkPathRule('rule', name), name)
  return rules
}

describe('a path falls under a rule', () => {
  it.each([
    ['/%7Euser/', ['/~user/a', '/%7euser/a', '/~user']],
    ['/caf%c3%a9/', ['/caf%c3%a9/x', '/caf%C3%A9/x', '/café/x']],
    ['/café', ['/caf%C3%A9', '/café', '/café/']],
    ['/😀', ['/%F0%9F%98%80']],
    ['/a//b/', ['/a//b/c', '/a/b/c', '/a/b']],
    ['/%61/*', ['/%61/x', '/a/x']],
    ['/a!b', ['/a%21b', '/a!b']],
    ['/a|b', ['/a|b', '/a%7Cb', '/a%7cb']],
    ['/a%2Ab', ['/a*b', '/a%2ab']],
    ['/a%2fb', ['/a%2Fb']],
    ['/100%', ['/100%', '/100%25']],
    ['/%%36%31', ['/%2561']],
    ['/login', ['/login?a\\b', '/x\\..\\login', '\\login', '/.\\login', 'login', 'http://x/login', 'HTTPS://x:1/login?a=http://y/z', 'http:\\\\x\\login']],
    ['/users/*', ['/users/1\\x', '/users/1\\', '/users/%5C', '/users/*']],
    ['/', ['', '*', 'http://x', 'http://x?y', '/\ud800']]
  ])('%s as each of %j', (rule, paths) => {
    expect(paths.map(path => rulesOf(rule).match(path))).toEqual(paths.map(() => rule))
  })

  it.each([
    ['/a/b', ['/a%2Fb', '/a', '/a/b/c']],
    ['/users/*', ['/users/1/x', '/users/', '/users/1%2Fx/y']],
    ['/login', ['/x/http://y/login', '/login%00', '/login%20', '/login;x']]
  ])('%s as none of %j', (rule, paths) => {
    expect(paths.map(path => rulesOf(rule).match(path))).toEqual(paths.map(() => undefined))
  })

  it('that is the more specific one of what a backslash may mean', () => {
    const rules = rulesOf('/', '/users/*', '/users/1/', '/users/1/me')

    expect(['/users/2\\x', '/users/1\\x', '/users/1\\me', '/x\\y'].map(path => rules.match(path))).toEqual(['/users/*', '/users/*', '/users/1/me', '/'])
  })

  it('that has come, changed or gone since somebody last asked', () => {
    const rules = rulesOf('/a/')
    const after = (change: () => unknown): string | undefined => {
      change()
      return rules.match('/a/b')
    }

    expect([
      after(() => {}),
      after(() => { rules.set('/a/b', 'new') }),
      after(() => { rules.set('/a/b', 'newer') }),
      after(() => rules.delete('/a/b'))
    ]).toEqual(['/a/', 'new', 'newer', '/a/'])
  })
})

describe('two texts of one rule', () => {
  it.each([['/~user', '/%7Euser'], ['/~user/', '//%7Euser/'], ['/~user/*', '/%7euser/*'], ['/café', '/caf%c3%a9']])('%s and %s are one', (one, other) => {
    const rules = rulesOf(one)
    rules.set(other, 'other')

    expect([rules.get(one), rules.size, rules.entries()]).toEqual(['other', 1, [[expect.any(String), 'other']]])
    expect([rules.delete(one), rules.delete(other), rules.size, rules.match(one)]).toEqual([true, false, 0, undefined])
  })

  it('keep the place of the first among patterns', () => {
    const rules = rulesOf('/a/*', '/*/b')
    rules.set('/%61/*', 'again')

    expect(rules.match('/a/b')).toBe('again')
  })
})

describe('a rule', () => {
  it.each(['login', '', '/a?b', '/a#b', '/a b', '/a\\b', '/a/../b', '/.', '/%2E%2e/a', '/.%2e', undefined, 1])('%j is refused, which is no path', rule => {
    expect(() => checkPathRule('path', rule)).toThrow('Could not use the option path: it must be a path that begins with / and has no ?, #, \\, blanks or dot segments')
  })

  it.each(['/api/*/', '/a*', '/*a', '/a/**', '/*.js', '/*/b/'])('%s is refused, which no path would fall under', rule => {
    expect(() => checkPathRule('path', rule)).toThrow('it must be a path in which each * is a whole segment, and which does not end with / where it has one')
  })

  it.each(['/', '/login', '/api/', '/*', '/*/b', '/a/*/*', '/...', '/.well-known/x', '/a.', '/%2A/'])('%s is taken', rule => {
    expect(checkPathRule('path', rule)).toBe(rule)
  })
})

describe('a normal path', () => {
  it('is its own normal path, whatever it was made of', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('/', '\\', '.', '%', '2', 'e', 'F', '5', 'C', '*', '?', 'é', ':', 'a') })), path => {
      const normal = normalizePath(path)

      expect(normal).toMatch(/^\/(?:.*[^/])?$/)
      expect(normalizePath(normal)).toBe(normal)
    }), { numRuns: 500 })
  })

  it.each([
    ['/"<>`{}|^ *', '/%22%3C%3E%60%7B%7D%7C%5E%20%2A'],
    ['/\x00\x1f\x7f', '/%00%1F%7F'],
    ['/%00%1f%7F%80%ff', '/%00%1F%7F%80%FF'],
    ['/%41%7a%2d%5F%21', '/Az-_!'],
    ['/%', '/%25'],
    ['/%4', '/%254'],
    ['/%4G%G4%%', '/%254G%25G4%25%25'],
    ['/é"é', '/%C3%A9%22%C3%A9'],
    ['/\ud83d"\ude00', '/%EF%BF%BD%22%EF%BF%BD']
  ])('of %j is %s', (path, normal) => {
    expect(normalizePath(path)).toBe(normal)
  })
})
