/** Globals that modules of the page use while they are loaded, for Node. */
const page = {
  // Requests go to the address of the stand-in host.
  location: new URL('http://host/'),
  addEventListener: () => {},
  removeEventListener: () => {},
  document: { addEventListener: () => {}, visibilityState: 'hidden' },
  localStorage: { length: 0, getItem: () => null, setItem: () => {}, removeItem: () => {} },
  // Every query holds, but for those about touch.
  matchMedia: (query: string) => ({ matches: !query.includes('coarse') }),
};

for (const [name, value] of Object.entries(page))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
