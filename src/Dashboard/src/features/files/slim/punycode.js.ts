/** The browser's own conversion of a host's name, instead of the package `punycode.js`. */
const toASCII = (host: string): string => (URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host);

/** A name stays as it is written: letters that look like others would hide where a link leads. */
const toUnicode = (host: string): string => host;

export default { toASCII, toUnicode };
