/**
 * Stands in for the package `linkify-it`, whose tables are 6 kB: the markdown of this page finds no links in plain
 * text.
 */
export class LinkifyIt {}
