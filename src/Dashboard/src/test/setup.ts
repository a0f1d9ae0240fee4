/** What modules of the page touch when they are loaded, for Node, which has no page. */
const page = {
  // Requests go to the address of the stand-in host.
  location: new URL('http://host/'),
  document: { addEventListener: () => {}, visibilityState: 'hidden' },
  localStorage: { length: 0, getItem: () => null, setItem: () => {}, removeItem: () => {} },
  matchMedia: () => ({ matches: true }),
};

for (const [name, value] of Object.entries(page))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
