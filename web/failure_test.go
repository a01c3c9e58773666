package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dnsbld/listing/language"
)

// operators are told these alone, and programs the last: no page shows them.
var operators = []string{"bad-verb", "by-the-rules", "letter-facts", "no-address", "no-appeal", "no-evidence", "no-note", "no-ticket", "not-a-mail-address",
	"not-our-letter", "old-ticket", "other-address", "request-id", "revision", "unknown-language", "rate-limited"}

// Every failure that pages and the desk behind them raise is said in every language, or
// no page shows it.
func TestEveryFailureHasWords(t *testing.T) {
	all, err := language.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	raised := codesIn(t, ".", "../listing/desk", "../listing/delist")
	for _, code := range raised {
		says, known := failures[code]
		if hidden := slices.Contains(operators, code); known == hidden {
			t.Errorf("%s: it has words: %t, it is for operators: %t", code, known, hidden)
		}
		for _, in := range all.All()[1:] {
			if known && (!in.Knows(says[0]) || !in.Knows(says[1])) {
				t.Errorf("%s is not said in %s", code, in.Tag())
			}
		}
	}
	for code := range failures {
		if !slices.Contains(raised, code) {
			t.Errorf("nothing raises %s", code)
		}
	}
}

// codesIn are the codes of failures in the source of packages.
func codesIn(t *testing.T, dirs ...string) (codes []string) {
	t.Helper()
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for n := range ast.Preorder(file) {
				if text, ok := codeOf(n).(*ast.BasicLit); ok {
					codes = append(codes, strings.Trim(text.Value, `"`))
				}
			}
		}
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// codeOf is what stands for the code in a field of that name, and in a call of a
// function that makes a failure; nil: it is neither.
func codeOf(n ast.Node) ast.Expr {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
			return n.Value
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "refuse" || f.Name == "refuseToken") {
			return n.Args[0]
		}
	}
	return nil
}
