import { defineConfig } from 'vitest/config';

export default defineConfig({
  build: {
    outDir: '../Host/wwwroot',
    emptyOutDir: true,
    target: 'es2022',
    // The page is served without inline script, style or font: nothing is inlined, no polyfill is injected.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    reportCompressedSize: false,
  },
  worker: { format: 'es' },
  test: { setupFiles: ['./src/test/setup.ts'], css: true },
});
