import stylistic from '@stylistic/eslint-plugin'
import tseslint from 'typescript-eslint'

// The js-libp2p style, written out: `eslint-config-ipfs` stops at ESLint 8 and typescript-eslint 7, which do not know TypeScript 6.
export default tseslint.config(
  { ignores: ['dist/', 'docs/api/', 'coverage/', 'node_modules/'] },
  tseslint.configs.recommended,
  stylistic.configs.customize({
    indent: 2,
    quotes: 'single',
    semi: false,
    jsx: false,
    braceStyle: '1tbs',
    commaDangle: 'never',
    arrowParens: false
  }),
  {
    rules: {
      '@stylistic/space-before-function-paren': ['error', 'always'],
      '@stylistic/max-statements-per-line': ['error', { max: 2 }],
      '@stylistic/arrow-parens': 'off',
      '@stylistic/generator-star-spacing': ['error', { before: true, after: true }],
      '@stylistic/yield-star-spacing': ['error', 'both'],
      '@stylistic/operator-linebreak': 'off',
      '@stylistic/member-delimiter-style': ['error', { multiline: { delimiter: 'none' }, singleline: { delimiter: 'comma' } }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
      'eqeqeq': ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'curly': ['error', 'multi-line']
    }
  },
  {
    files: ['src/cli.ts', 'src/cli/**', 'benchmarks/**', 'docs/*.ts', 'examples/**', 'test/**'],
    rules: { 'no-console': 'off' }
  }
)
