/** The browser's own classes of characters, instead of those of the package `uc.micro`. */
export const P = /\p{P}/u;
export const S = /\p{S}/u;
