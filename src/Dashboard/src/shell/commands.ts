/** Every file of entries of the palette. */
export const commandFiles = import.meta.glob('../commands/*.ts', { eager: true });
