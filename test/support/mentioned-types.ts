import ts from "typescript";

/** A type that public declarations mention and no entry exports: who mentions it. */
export interface HiddenType {
  readonly name: string;
  readonly mentionedBy: string;
}

/**
 * Every type of the package itself that what its entries export mentions, and that none of them exports.
 *
 * @param entries declaration files (.d.ts), one per entry of the package
 */
export function mentionedTypes(entries: readonly string[]): {
  /** How many symbols the entries export. */
  readonly exported: number;
  readonly hidden: readonly HiddenType[];
} {
  const { checker, exported } = publicSymbols(entries);
  const hidden = new Map<ts.Symbol, HiddenType>();
  for (const symbol of exported) {
    for (const declaration of symbol.declarations ?? []) {
      visit(declaration, (name) => {
        const mentioned = resolved(checker, name);
        if (mentioned === null || exported.has(mentioned) || hidden.has(mentioned)) return;
        hidden.set(mentioned, { name: mentioned.name, mentionedBy: symbol.name });
      });
    }
  }
  return { exported: exported.size, hidden: [...hidden.values()] };
}

/** The symbols that entries export, aliases followed. */
export function publicSymbols(entries: readonly string[]): {
  readonly checker: ts.TypeChecker;
  readonly exported: ReadonlySet<ts.Symbol>;
} {
  const program = ts.createProgram([...entries], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    skipLibCheck: true,
    noLib: true,
    noEmit: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const exported = new Set<ts.Symbol>();
  for (const entry of entries) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(entry)!)!;
    for (const symbol of checker.getExportsOfModule(module)) exported.add(followed(checker, symbol));
  }
  return { checker, exported };
}

function followed(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Names in type positions, below a declaration. */
function visit(node: ts.Node, found: (name: ts.EntityName | ts.Expression) => void): void {
  if (ts.isTypeReferenceNode(node)) found(node.typeName);
  if (ts.isTypeQueryNode(node)) found(leftmost(node.exprName));
  if (ts.isExpressionWithTypeArguments(node)) found(node.expression);
  if (ts.isImportTypeNode(node) && node.qualifier !== undefined) found(node.qualifier);
  ts.forEachChild(node, (child) => visit(child, found));
}

/** The constant that "typeof constant.field" looks into. */
function leftmost(name: ts.EntityName): ts.EntityName {
  return ts.isQualifiedName(name) ? leftmost(name.left) : name;
}

/** What a name stands for, where the package itself declares it at the top of one of its files; else null. */
function resolved(checker: ts.TypeChecker, name: ts.EntityName | ts.Expression): ts.Symbol | null {
  const symbol = checker.getSymbolAtLocation(name);
  if (symbol === undefined) return null;
  const target = followed(checker, symbol);
  const [declaration] = target.declarations ?? [];
  if (declaration === undefined || ts.isTypeParameterDeclaration(declaration)) return null;
  return /\/(node_modules|typescript\/lib)\//.test(declaration.getSourceFile().fileName) ? null : target;
}
