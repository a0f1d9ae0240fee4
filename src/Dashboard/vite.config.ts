import { defineConfig } from 'vitest/config';

/** Packages of markdown-it that the browser, or this page, can do without: 18 kB of the bundle. */
const slim = ['entities', 'linkify-it', 'punycode.js', 'uc.micro'];

export default defineConfig({
  resolve: { alias: Object.fromEntries(slim.map((name) => [name, `/src/features/files/slim/${name}.ts`])) },
  build: {
    outDir: '../Host/wwwroot',
    emptyOutDir: true,
    target: 'es2022',
    // The page is served without inline script, style or font: nothing is inlined, no polyfill is injected.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
    rolldownOptions: {
      // A feature's index is imported at the start; a component that it only passes on stays in its place's file.
      treeshake: {
        moduleSideEffects: (id) => (/\/src\/features\/[^/]+\/(?!index)[^/]+\.tsx?$/.test(id) ? false : undefined),
      },
      // Two files, for the first view and for what is fetched right after it, compress better than fifty.
      output: {
        codeSplitting: {
          groups: [
            { name: 'first', tags: ['$initial'], priority: 2 },
            { name: 'later', priority: 1 },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  test: { setupFiles: ['./src/test/setup.ts'], css: true },
});
