package ctl

import (
	"encoding"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"dnsbld/listing"
)

var update = flag.Bool("update", false, "write docs/control-api.md")

// The tags of the table are what Routes takes them for.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	table := reflect.TypeFor[Client]()
	for n := range table.NumField() {
		tag := table.Field(n).Tag
		words := strings.Fields(tag.Get("api"))
		if len(words) != 3 || !slices.Contains([]string{"GET", "PUT", "POST", "DELETE"}, words[0]) ||
			!strings.HasPrefix(words[1], "/v1/") || !slices.Contains([]string{"reader", "support", "operator"}, words[2]) {
			t.Errorf("%s: %q", table.Field(n).Name, tag)
			continue
		}
		if text, ok := tag.Lookup("wait"); ok {
			if _, err := time.ParseDuration(text); err != nil {
				t.Error(err)
			}
		}
		if text, ok := tag.Lookup("limit"); ok {
			if _, err := strconv.ParseInt(text, 10, 64); err != nil {
				t.Error(err)
			}
		}
		path, _, _ := strings.Cut(words[1], "?")
		if seen[words[0]+path] {
			t.Errorf("%s %s stands twice", words[0], path)
		}
		seen[words[0]+path] = true
	}
}

// docs/control-api.md is made from the table; -update writes it.
func TestControlAPI(t *testing.T) {
	const file = "../docs/control-api.md"
	got := (&page{comments: comments(t, "..")}).write()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != got {
		t.Errorf("%s is not what the table says (-update writes it): %v", file, err)
	}
}

// comments are those of types and fields, by "dnsbld/listing.Add.For".
func comments(t *testing.T, root string) map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		for _, decl := range f.Decls {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.TYPE {
				commentsOf(all, "dnsbld/"+filepath.ToSlash(rel)+".", g)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func commentsOf(all map[string]string, pkg string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		s := spec.(*ast.TypeSpec)
		all[pkg+s.Name.Name] = oneLine(g.Doc)
		body, ok := s.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range body.Fields.List {
			for _, name := range f.Names {
				all[pkg+s.Name.Name+"."+name.Name] = strings.TrimSpace(oneLine(f.Doc) + " " + oneLine(f.Comment))
			}
		}
	}
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// page is docs/control-api.md while it is written.
type page struct {
	strings.Builder
	comments map[string]string
	types    []reflect.Type // that were spoken of
}

func (p *page) write() string {
	p.WriteString(`# The control protocol

This page is made from the table in ctl/api.go by a test of that package (` + "`go test ./ctl -update`" + `).

HTTP and JSON over the Unix socket ` + "`socket`" + ` of the configuration. Who asks is told by the kernel, never by the
request; the role comes from the groups in ` + "`[roles]`" + `. A failure is
` + "`{\"error\":{\"code\",\"message\",\"hint\"},\"outcome\"}`" + `, where outcome is what was done all the same: 400 for what is
invalid, 403 refused by policy or role, 404 not found, 409 a conflict, 410 no longer kept, 503 not reachable or busy,
507 damaged. A stream is one JSON value a line, and ends with ` + "`{\"end\":{\"count\",\"revision\"}}`" + `.

`)
	var table Client
	routes := Routes(&table)
	fields := reflect.ValueOf(&table).Elem()
	for n := range fields.NumField() {
		p.endpoint(routes[fields.Field(n).Addr().Interface()])
	}
	p.WriteString("# Types\n")
	for n := 0; n < len(p.types); n++ {
		p.describe(p.types[n])
	}
	return p.String()
}

func (p *page) endpoint(r Route) {
	fmt.Fprintf(p, "## %s\n\n`%s %s`, role %s.\n", r.Name, r.Method, r.Path, r.Role)
	p.paragraph("", p.comments["dnsbld/ctl.Client."+r.Name])
	p.WriteString("\n")
	switch {
	case r.Param != "":
		p.paragraph("- ", fmt.Sprintf("query `%s`: %s%s", r.Param, p.name(r.Req), map[bool]string{true: ", optional"}[r.Optional]))
	case r.Req != nil && r.Req.Kind() == reflect.Struct:
		p.params(r.Req)
		if r.HasBody() && r.Req.NumField() > 0 {
			p.paragraph("- ", "body: "+p.name(r.Req))
		}
	}
	if r.Kind == KindUpload {
		p.paragraph("- ", "body: a file")
	}
	switch r.Kind {
	case KindStream:
		p.paragraph("- ", "answer: a stream of "+p.name(r.Resp))
	case KindDownload:
		p.paragraph("- ", "answer: a file")
	default:
		p.paragraph("- ", "answer: "+p.name(r.Resp))
	}
	p.WriteString("\n")
}

func (p *page) params(t reflect.Type) {
	for n := range t.NumField() {
		f := t.Field(n)
		where, name := "path", f.Tag.Get("path")
		if name == "" {
			where, name = "query", f.Tag.Get("query")
		}
		switch {
		case name != "":
			p.paragraph("- ", fmt.Sprintf("%s `%s`: %s%s", where, name, p.name(f.Type), p.comment(t, f)))
		case f.Anonymous && f.Tag.Get("json") == "":
			p.params(f.Type)
		}
	}
}

func (p *page) comment(t reflect.Type, f reflect.StructField) string {
	if c := p.comments[t.PkgPath()+"."+t.Name()+"."+f.Name]; c != "" {
		return "; " + c
	}
	return ""
}

// paragraph writes text in lines that fit.
func (p *page) paragraph(first, text string) {
	const width = 116
	line, indent := first, strings.Repeat(" ", len(first))
	for n, word := range strings.Fields(text) {
		if n > 0 && len(line)+1+len(word) > width {
			p.WriteString(line + "\n")
			line = indent
		} else if n > 0 {
			line += " "
		}
		line += word
	}
	if strings.TrimSpace(line) != "" {
		p.WriteString(line + "\n")
	}
}

var textual = reflect.TypeFor[encoding.TextMarshaler]()

// name is a type as JSON has it.
func (p *page) name(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "instant"
	case t == reflect.TypeFor[listing.Subject]():
		return "prefix"
	case t == reflect.TypeFor[listing.Life]():
		return `duration ("3d")`
	case t.Implements(textual):
		return "text"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return p.name(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "base64"
		}
		return "list of " + p.name(t.Elem())
	case reflect.Map:
		return "object of " + p.name(t.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Interface:
		return "anything"
	case reflect.Struct:
		if !slices.Contains(p.types, t) {
			p.types = append(p.types, t)
		}
		title := heading(t)
		return "[" + title + "](#" + strings.ToLower(strings.ReplaceAll(title, ".", "")) + ")"
	}
	return "number"
}

func heading(t reflect.Type) string {
	return t.PkgPath()[strings.LastIndexByte(t.PkgPath(), '/')+1:] + "." + t.Name()
}

// describe writes the fields of a type.
func (p *page) describe(t reflect.Type) {
	fmt.Fprintf(p, "\n## %s\n\n", heading(t))
	p.paragraph("", p.comments[t.PkgPath()+"."+t.Name()])
	p.WriteString("\n")
	p.fields(t)
}

func (p *page) fields(t reflect.Type) {
	for n := range t.NumField() {
		f := t.Field(n)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-", f.Tag.Get("query") != "", !f.IsExported():
		case f.Anonymous && name == "":
			p.fields(f.Type)
		default:
			if name == "" {
				name = f.Name
			}
			optional := ""
			if strings.Contains(options, "omit") {
				optional = ", optional"
			}
			p.paragraph("- ", fmt.Sprintf("`%s`: %s%s%s", name, p.name(f.Type), optional, p.comment(t, f)))
		}
	}
}
