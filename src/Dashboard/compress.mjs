// Writes a Brotli and a gzip copy beside each file of the bundle, so that the host sends the copies and compresses
// nothing itself. The document is not among them: the host writes the operator's preferences into it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const folder = join(import.meta.dirname, '../Host/wwwroot/assets');
for (const name of readdirSync(folder).filter((file) => /\.(js|css|svg|json)$/.test(file))) {
  const content = readFileSync(join(folder, name));
  // A smaller one fits a packet as it is.
  if (content.length < 1024) continue;
  const params = { [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content, { params }));
  writeFileSync(join(folder, `${name}.gz`), gzipSync(content, { level: 9 }));
}
