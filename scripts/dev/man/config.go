package man

import (
	"regexp"
	"strings"
)

// group is some keys of a configuration, and what is said about them.
type group struct {
	text []string
	keys []string
}

// keyLine is a key with its value, also one that is commented out.
var keyLine = regexp.MustCompile(`^(?:# )?([a-z][a-z0-9_]*) = (.*)$`)

// Config is a commented configuration in TOML as a part of a page: a section
// for each table, and in it the keys with what the comments say. A comment is
// about the keys up to the next comment or empty line.
func Config(toml string) string {
	var b strings.Builder
	var groups []group
	var lead []string // comments before a table
	open := false     // the last group takes more keys
	title := ""
	flush := func() {
		if title != "" || len(groups) > 0 {
			b.WriteString(table(title, groups))
		}
		groups, open = nil, false
	}
	for line := range strings.SplitSeq(toml, "\n") {
		m := keyLine.FindStringSubmatch(line)
		switch {
		case line == "":
			open = false
			if len(lead) > 0 { // it is about all that follows
				groups, lead = append(groups, group{text: lead}), nil
			}
		case m != nil:
			if !open {
				groups, open = append(groups, group{text: lead}), true
				lead = nil
			}
			last := &groups[len(groups)-1]
			last.keys = append(last.keys, m[1]+" = "+m[2])
		case strings.HasPrefix(line, "# ["), strings.HasPrefix(line, "["): // an example of a table may be a comment
			flush()
			title = strings.TrimPrefix(line, "# ")
			if len(lead) > 0 {
				groups = append(groups, group{text: lead})
				lead = nil
			}
		case strings.HasPrefix(line, "#"):
			open = false
			lead = append(lead, strings.TrimSpace(strings.TrimPrefix(line, "#")))
		}
	}
	flush()
	return b.String()
}

// table is one table of a configuration.
func table(title string, groups []group) string {
	var b strings.Builder
	b.WriteString(".Ss " + word(title) + "\n")
	if title == "" {
		b.Reset()
	}
	list := false
	inList := func(on bool) {
		switch {
		case on && !list:
			b.WriteString(".Bl -tag -width indent\n")
		case !on && list:
			b.WriteString(".El\n")
		}
		list = on
	}
	for _, g := range groups {
		switch {
		case len(g.keys) == 0:
			inList(false)
			b.WriteString(running(strings.Join(g.text, " ")))
			continue
		case len(g.text) == 0:
			inList(false)
			b.WriteString(Literal(g.keys...))
			continue
		}
		inList(true)
		for _, k := range g.keys {
			name, value, _ := strings.Cut(k, " = ")
			b.WriteString(".It Va " + name + " No = " + tag(value) + "\n")
		}
		b.WriteString(running(strings.Join(g.text, " ")))
	}
	inList(false)
	return b.String()
}

// tag is a value in the line of a macro: quoted, for a word of two letters or a
// bracket could be a macro or a delimiter of its own.
func tag(value string) string {
	value = strings.ReplaceAll(escapes.Replace(value), "-", `\-`)
	return `Li "` + strings.ReplaceAll(value, `"`, `""`) + `"`
}
