package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dnsbld/listing"
	"dnsbld/listing/language"
)

// sayers are the functions that say something, with the place of what they say.
var sayers = map[string]int{"Say": 0, "say": 0, "Word": 0, "Count": 1}

// said are the declarations whose texts are said elsewhere: every text in them that
// has a blank.
var said = map[string]bool{"subjects": true, "Subject": true, "claimValues": true, "claimNames": true, "beside": true, "inside": true, "withoutWaiting": true, "FixNote": true, "Fixes": true,
	"Because": true, "Sentence": true, "otherMachine": true, "saysProperAll": true, "saysProper": true, "saysProperAny": true, "Steps": true, "onlyTheServer": true, "whatIsLogged": true,
	"codeWords": true, "resultTitles": true, "ticketTitles": true, "mayMail": true, "removalWords": true, "titles": true, "failures": true, "units": true, "clauses": true, "alternative": true, "rateLimit": true,
	"fail": true, "tooMany": true, "buttonOf": true, "lookButton": true}

// notSaid are texts in them that are no sentences.
var notSaid = regexp.MustCompile(`^[A-Z_]+$|^postconf |^helo_data|^Get-|^Set-|^define|^echo |^postfix reload$|^Exchange \d|^answering |^a request |^making |^path$|^ \[$`)

// TestEverySentenceIsTranslated holds the built-in languages to say all that letters
// and pages say, and nothing else.
func TestEverySentenceIsTranslated(t *testing.T) {
	keys := map[string]bool{}
	for _, dir := range []string{"listing/delist", "listing/language", "listing/desk", "web"} {
		sentencesOfCode(t, dir, keys)
	}
	sentencesOfFile(t, "listing/sighting/diagnosis.go", keys)
	sentencesOfTemplates(t, keys)
	for _, r := range listing.DefaultReasons() {
		for _, text := range []string{r.Text, r.Title, r.Explanation} {
			keys[text] = text != ""
		}
	}
	for _, n := range listing.DefaultPolicy().NeverList() {
		keys[n.Why] = true
	}
	maps.DeleteFunc(keys, func(_ string, is bool) bool { return !is })
	if len(keys) < 300 {
		t.Fatalf("%d sentences", len(keys))
	}
	all, err := language.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all.All()[1:] {
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if !l.Knows(key) {
				t.Errorf("%s does not say\n%s", l.Tag(), key)
			}
		}
		for _, word := range l.Words() {
			if !keys[word] {
				t.Errorf("%s says what nobody says in English\n%s", l.Tag(), word)
			}
		}
	}
	if len(all.All()) < 3 {
		t.Errorf("%d languages", len(all.All()))
	}
}

func sentencesOfCode(t *testing.T, dir string, keys map[string]bool) {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		if !strings.HasSuffix(name, "_test.go") {
			sentencesOfFile(t, name, keys)
		}
	}
}

func sentencesOfFile(t *testing.T, name string, keys map[string]bool) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			calls(d, keys)
			if said[d.Name.Name] && d.Body != nil {
				texts(d.Body, keys)
			}
		case *ast.GenDecl:
			calls(d, keys)
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok && said[v.Names[0].Name] {
					texts(v, keys)
				}
			}
		}
	}
}

// calls finds what is said in calls.
func calls(in ast.Node, keys map[string]bool) {
	ast.Inspect(in, func(n ast.Node) bool {
		c, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := c.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		at, says := sayers[sel.Sel.Name]
		if !says || len(c.Args) <= at {
			return true
		}
		if _, made := c.Args[at].(*ast.BinaryExpr); made { // of a thing that is counted
			return true
		}
		ast.Inspect(c.Args[at], func(n ast.Node) bool {
			text, ok := literal(n)
			switch {
			case ok && sel.Sel.Name == "Count":
				plural(text, keys)
			case ok:
				keys[text] = true
			}
			return true
		})
		return true
	})
}

func plural(thing string, keys map[string]bool) {
	keys["1 "+thing], keys["%d "+thing+"s"] = true, true
}

// texts are those in a declaration that have a blank. Keys of maps are none.
func texts(in ast.Node, keys map[string]bool) {
	ast.Inspect(in, func(n ast.Node) bool {
		if kv, ok := n.(*ast.KeyValueExpr); ok {
			texts(kv.Value, keys)
			return false
		}
		if c, ok := n.(*ast.CallExpr); ok {
			if sel, ok := c.Fun.(*ast.SelectorExpr); ok && (sayers[sel.Sel.Name] > 0 || sel.Sel.Name == "Error" || sel.Sel.Name == "Info" || sel.Sel.Name == "Errorf") {
				return false
			}
		}
		if text, ok := literal(n); ok && strings.Contains(text, " ") && !notSaid.MatchString(text) {
			keys[text] = true
		}
		return true
	})
}

func literal(n ast.Node) (string, bool) {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil && strings.ContainsFunc(text, func(r rune) bool { return r >= 'A' })
}

// sentencesOfTemplates finds what templates say.
func sentencesOfTemplates(t *testing.T, keys map[string]bool) {
	t.Helper()
	const quoted = `("(?:[^"\\]|\\.)*")`
	says, counts := regexp.MustCompile(`\b(?:say|word) `+quoted), regexp.MustCompile(`\btimes [^\s()]+ `+quoted)
	for _, pattern := range []string{"listing/delist/templates/*.tmpl", "web/templates/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) < 5 {
			t.Fatal(files, err)
		}
		for _, name := range files {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range says.FindAllSubmatch(raw, -1) {
				text, err := strconv.Unquote(string(m[1]))
				if err != nil {
					t.Fatalf("%s: %s: %v", name, m[1], err)
				}
				keys[text] = true
			}
			for _, m := range counts.FindAllSubmatch(raw, -1) {
				thing, err := strconv.Unquote(string(m[1]))
				if err != nil {
					t.Fatal(err)
				}
				plural(thing, keys)
			}
		}
	}
}
