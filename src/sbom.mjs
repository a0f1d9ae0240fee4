// Writes the software bill of materials, in CycloneDX's JSON, from the lock files of NuGet and npm:
//     node src/sbom.mjs [FILE]        artifacts/sbom.cdx.json unless a file is named
// A component with the scope `excluded` builds or tests Hive and is in no program.
// The .NET runtime that hive-agent carries is in no lock file; its version is the one that the SDK publishes with, and
// the same lock files and SDK give the same bytes.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const skipped = new Set(['artifacts', 'bin', 'generated', 'node_modules', 'obj', 'wwwroot']);
const output = resolve(process.argv[2] ?? join(root, 'artifacts', 'sbom.cdx.json'));
const components = new Map();
const dependencies = new Map();

function* lockFiles(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && !skipped.has(entry.name) && !entry.name.startsWith('.'))
      yield* lockFiles(join(folder, entry.name));
    else if (entry.name === 'packages.lock.json' || entry.name === 'package-lock.json') yield join(folder, entry.name);
  }
}

function add(component, isShipped) {
  const known = components.get(component.purl);
  const scope = isShipped || known?.scope === 'required' ? 'required' : 'excluded';
  components.set(component.purl, { type: 'library', 'bom-ref': component.purl, ...component, scope });
}

function link(from, to) {
  if (!dependencies.has(from)) dependencies.set(from, new Set());
  dependencies.get(from).add(to);
}

// A text such as `SEE LICENSE IN README.md` is not an SPDX expression.
const license = (text) => (text.startsWith('SEE ') ? { license: { name: text } } : { expression: text });

const sha512 = (base64) => ({ alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') });

// A project's own packages are the program's: projects are not components.
function readNuget(file, isShipped) {
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  for (const resolved of Object.values(lock.dependencies)) {
    const names = new Map(Object.keys(resolved).map((name) => [name.toLowerCase(), name]));
    const purlOf = (name) => `pkg:nuget/${name}@${resolved[name].resolved}`;
    for (const [name, locked] of Object.entries(resolved)) {
      if (locked.type === 'Project') continue;
      add({ name, version: locked.resolved, purl: purlOf(name), hashes: [sha512(locked.contentHash)] }, isShipped);
      if (locked.type === 'Direct') link(rootPurl, purlOf(name));
      for (const needed of Object.keys(locked.dependencies ?? {})) {
        const found = names.get(needed.toLowerCase());
        if (found && resolved[found].type !== 'Project') link(purlOf(name), purlOf(found));
      }
    }
  }
}

function readNpm(file, isShipped) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  const nameOf = (path) => packages[path].name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const purlOf = (path) => `pkg:npm/${nameOf(path).replace('@', '%40')}@${packages[path].version}`;
  // As Node looks for a package: beside the one that asks, then in each folder above.
  const find = (path, name) => {
    for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
      const place = `${at ? `${at}/` : ''}node_modules/${name}`;
      if (packages[place]) return place;
      if (!at) return undefined;
    }
  };
  for (const [path, locked] of Object.entries(packages)) {
    if (locked.link) continue;
    if (path)
      add(
        {
          name: nameOf(path),
          version: locked.version,
          purl: purlOf(path),
          ...(locked.license ? { licenses: [license(locked.license)] } : {}),
          ...(locked.integrity?.startsWith('sha512-') ? { hashes: [sha512(locked.integrity.slice(7))] } : {}),
        },
        isShipped && !locked.dev,
      );
    const needed = { ...locked.dependencies, ...locked.optionalDependencies, ...(path ? {} : locked.devDependencies) };
    for (const place of Object.keys(needed).map((name) => find(path, name)))
      if (place) link(path ? purlOf(path) : rootPurl, purlOf(place));
  }
}

const version = /<Version>(.*?)<\/Version>/.exec(readFileSync(join(root, 'Directory.Build.props'), 'utf8'))[1];
const rootPurl = `pkg:generic/hive@${version}`;
for (const file of [...lockFiles(root)].sort()) {
  const read = file.endsWith('packages.lock.json') ? readNuget : readNpm;
  read(file, relative(root, file).startsWith('src/'));
}

// As MSBuild tells it for the project that is published with its runtime.
function readRuntime() {
  const project = join(root, 'src', 'Agent', 'Hive.Agent.csproj');
  const asked = ['BundledNETCoreAppPackageVersion', 'NETCoreSdkPortableRuntimeIdentifier'];
  const told = execFileSync('dotnet', ['msbuild', project, `-getProperty:${asked.join(',')}`], { encoding: 'utf8' });
  const [version, runtime] = asked.map((name) => JSON.parse(told).Properties[name]);
  const name = `Microsoft.NETCore.App.Runtime.${runtime}`;
  const purl = `pkg:nuget/${name}@${version}`;
  add({ name, version, purl, licenses: [license('MIT')] }, true);
  link(rootPurl, purl);
}

readRuntime();
const sorted = [...components.keys()].sort();
const bom = {
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  metadata: { component: { type: 'application', 'bom-ref': rootPurl, name: 'hive', version, purl: rootPurl } },
  components: sorted.map((purl) => components.get(purl)),
  dependencies: [rootPurl, ...sorted].map((ref) => ({ ref, dependsOn: [...(dependencies.get(ref) ?? [])].sort() })),
};
mkdirSync(dirname(output), { recursive: true });
writeFileSync(output, `${JSON.stringify(bom, null, 2)}\n`);
