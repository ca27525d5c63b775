import { defaultClientConditions, defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  // the package's sources, as `--conditions=source` has it for Node: leave this line out in a project of yours
  resolve: { conditions: ['source', ...defaultClientConditions] },
  build: { target: 'es2024' }
})
