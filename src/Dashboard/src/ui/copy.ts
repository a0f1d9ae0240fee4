import { refusal } from './refused';
import { tell } from './told';

/** Copies the address of a thing, with which others on this machine can open it. */
export async function copyAddress(path: string): Promise<void> {
  const address = location.origin + path;
  try {
    await navigator.clipboard.writeText(address);
    tell(`Copied ${address}`);
  } catch {
    refusal.value = `The browser does not let this page copy; the address is ${address}`;
  }
}
