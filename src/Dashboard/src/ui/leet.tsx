/** A label as it is drawn; its button has the plain name. */
export function Leet({ text }: { text: string }) {
  return <span class="leet" data-leet={text} />;
}
