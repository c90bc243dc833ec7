import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";

/** One import or re-export of a file. */
export interface Import {
  readonly specifier: string;
  /** Whether nothing of it is left at run time: "import type", or only names marked so. */
  readonly type: boolean;
  /** Whether it is an import() expression. */
  readonly dynamic: boolean;
}

/** Sources by their path, such as "src/core/bytes.ts". */
export type Sources = ReadonlyMap<string, string>;

/** All TypeScript sources below a folder of the repository, by their path from its root. */
export function readSources(folder: string): Sources {
  const root = new URL("../../", import.meta.url);
  const entries = readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: "utf8" });
  const files = entries.filter((entry) => entry.endsWith(".ts")).sort();
  const paths = files.map((entry) => `${folder}/${entry.replaceAll("\\", "/")}`);
  return new Map(paths.map((path) => [path, readFileSync(new URL(path, root), "utf8")]));
}

/** Every import of a source, in its order: declarations, re-exports, import() expressions and import("...") types. */
export function importsOf(source: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, type: boolean, dynamic: boolean): void => {
    if (specifier === undefined) return;
    const text = ts.isStringLiteralLike(specifier) ? specifier.text : `(computed: ${specifier.getText()})`;
    found.push({ specifier: text, type, dynamic });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeImport(node.importClause), false);
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, isTypeExport(node), false);
    if (ts.isImportTypeNode(node)) add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node, true, false);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false, true);
    }
    ts.forEachChild(node, visit);
  };
  visit(parse(source));
  return found;
}

function isTypeImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const names = clause.namedBindings;
  return clause.name === undefined && names !== undefined && ts.isNamedImports(names) && allTypes(names.elements);
}

function isTypeExport({ isTypeOnly, exportClause: names }: ts.ExportDeclaration): boolean {
  return isTypeOnly || (names !== undefined && ts.isNamedExports(names) && allTypes(names.elements));
}

function allTypes(names: readonly { readonly isTypeOnly: boolean }[]): boolean {
  return names.length > 0 && names.every(({ isTypeOnly }) => isTypeOnly);
}

/** Names that a source uses without a dot or a colon that makes them another object's: possible globals. */
export function namesIn(source: string): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && !isProperty(node)) names.add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(parse(source));
  return names;
}

/** What a source says outside of comments: identifiers, and the texts of strings, templates and regular expressions. */
export function wordsIn(source: string): string[] {
  const words: string[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isIdentifier(node) ||
      ts.isLiteralExpression(node) ||
      ts.isTemplateMiddleOrTemplateTail(node) ||
      ts.isTemplateHead(node)
    )
      words.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(parse(source));
  return words;
}

function isProperty(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent))
    return parent.name === node && parent.expression.getText() !== "globalThis";
  return "name" in parent && parent.name === node;
}

const parsed = new Map<string, ts.SourceFile>();

function parse(source: string): ts.SourceFile {
  const tree = parsed.get(source) ?? ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true);
  parsed.set(source, tree);
  return tree;
}

/** The path that a relative specifier means, for a file at `from`. */
export function resolveImport(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}
