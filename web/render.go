package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"

	"dnsbld/listing/language"
	"dnsbld/listing/sighting"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static/style.css
var styleSheet []byte

//go:embed static/icon.svg
var icon []byte

// pages are the templates, and the files that they refer to.
type pages struct {
	parsed            *template.Template
	files             map[string]file
	styleURL, iconURL string
}

// file is a file under an address that changes with its contents, so that
// browsers may keep it for ever.
type file struct {
	kind string
	body []byte
}

// newPages reads the templates and the static files that are built in.
func newPages() (*pages, error) {
	parsed, err := template.New("pages").Option("missingkey=error").Funcs(speech(nil)).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading templates: %w", err)
	}
	p := &pages{parsed: parsed, files: map[string]file{}}
	p.styleURL = p.add("style.css", file{"text/css; charset=utf-8", styleSheet})
	p.iconURL = p.add("icon.svg", file{"image/svg+xml", icon})
	return p, nil
}

// in is the templates for each language, by its tag.
func (p *pages) in(all *language.Languages) (map[string]*template.Template, error) {
	sets := map[string]*template.Template{}
	for _, l := range all.All() {
		set, err := p.parsed.Clone()
		if err != nil {
			return nil, fmt.Errorf("copying templates: %w", err)
		}
		sets[l.Tag()] = set.Funcs(speech(l))
	}
	return sets, nil
}

// speech is how templates say things. A sentence may have markup, for it is ours, or
// an operator's file's; its arguments are escaped.
func speech(l *language.Language) template.FuncMap {
	return template.FuncMap{
		"say": func(english string, args ...any) template.HTML {
			for n, a := range args {
				switch a := a.(type) {
				case int, template.HTML:
				case []string:
					args[n] = template.HTMLEscapeString(strings.Join(a, ", "))
				default:
					args[n] = template.HTMLEscapeString(fmt.Sprint(a))
				}
			}
			return template.HTML(l.Say(english, args...))
		},
		"word": l.Word, "times": l.Count, "capital": capital,
		"away":  func(m moment) string { return l.Away(m.at, m.now) },
		"chart": func(days []sighting.DayCount) template.HTML { return chart(l, days) },
	}
}

// add serves a file under a URL of its own.
func (p *pages) add(name string, f file) (url string) {
	sum := sha256.Sum256(f.body)
	url = "/static/" + hex.EncodeToString(sum[:8]) + "/" + name
	p.files[url] = f
	return url
}

// static serves those files.
func (p *pages) static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, known := p.files[r.URL.Path]
		if !known {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		send(w, http.StatusOK, f.kind, bytes.NewBuffer(f.body))
	})
}

// frame is what is around every page.
type frame struct {
	Language          *language.Language
	Title, Site, Mail string
	StyleURL, IconURL string
	Here              string // the part of the site: "", "criteria"
	Query             string // in the search box
}

// frame is that of a page with a title.
func (s *Server) frame(v *visit, title string) frame {
	site := v.site
	return frame{Language: v.language, Title: title, Site: site.title, Mail: site.Mail, StyleURL: s.pages.styleURL, IconURL: s.pages.iconURL}
}

const htmlType = "text/html; charset=utf-8"

// render answers with a page.
func (s *Server) render(v *visit, status int, name string, what any) error {
	body := buffer()
	defer release(body)
	if err := v.site.sets[v.language.Tag()].ExecuteTemplate(body, name, what); err != nil {
		return fmt.Errorf("making the page %s: %w", name, err)
	}
	v.send(status, htmlType, body)
	return nil
}

// send sends a page that is in the visit's language.
func (v *visit) send(status int, kind string, body *bytes.Buffer) {
	v.w.Header().Set("Content-Language", v.language.Tag())
	v.w.Header().Set("Vary", "Accept-Language")
	send(v.w, status, kind, body)
}

// buffers are used again, unless they have grown large.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const largeBuffer = 256 << 10

// buffer takes an empty buffer.
func buffer() *bytes.Buffer {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

// release gives a buffer back.
func release(b *bytes.Buffer) {
	if b.Cap() <= largeBuffer {
		buffers.Put(b)
	}
}
