package main

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"dnsbld/ctl"
)

// version is set by the release build.
var version = "development"

func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	return version + " " + info.GoVersion
}

func (p *program) versionCommand() *cli.Command {
	return &cli.Command{
		Name:      "version",
		Usage:     "print the version of blctl",
		UsageText: "blctl version",
		Description: `Prints the version of blctl; 'blctl status' has that of the daemon.

exit status: 0

examples:
  blctl version
  blctl version --json`,
		Action: func(c *cli.Context) error {
			p.json = c.Bool("json")
			if err := (&input{Context: c}).checkArguments(); err != nil {
				return err
			}
			if p.json {
				return p.writeJSON(struct {
					head
					Action  string `json:"action"`
					Version string `json:"version"`
				}{head{schema, true}, "version", versionText()})
			}
			_, err := fmt.Fprintln(p.stdout, "blctl", versionText())
			return err
		},
	}
}

func (p *program) reasonsCommand() *cli.Command {
	return &cli.Command{
		Name:      "reasons",
		Usage:     "the catalogue of reasons",
		UsageText: "blctl reasons",
		Description: `Prints every reason, strongest first: its number, which is also the last octet of
the DNS answer; its symbol; how long it lists the first time; who may delist; and
what its TXT record says. "shadow" reasons are recorded, and answered only by
zones that name them.

exit status: 0

examples:
  blctl reasons
  blctl reasons --json`,
		Action: p.action(p.reasons),
	}
}

func (p *program) reasons(ctx context.Context, _ *input) error {
	all, err := p.client.Reasons(ctx)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, r := range all {
		if p.json {
			if err := p.writeJSON(r); err != nil {
				return err
			}
			continue
		}
		life := "given, at most " + r.Longest.String()
		if r.Base > 0 {
			life = r.Base.String()
		}
		shadow := ""
		if !r.Published {
			shadow = "shadow"
		}
		rows = append(rows, []string{fmt.Sprintf("127.0.0.%d", r.Code), clean(r.Symbol), life, "delist: " + string(r.SelfDelist), shadow, clean(r.Text)})
	}
	return p.human.table(rows)
}

func (p *program) statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "how the daemon is",
		UsageText: "blctl status",
		Description: `Prints the version of the daemon, how long it has been up, the newest revision and
the one being served, what the store holds, the zones, and who you are to it.

exit status: 0; 75 the daemon cannot be reached

examples:
  blctl status
  blctl --offline var/listings.db status --json`,
		Action: p.action(p.status),
	}
}

// statusShown is what status prints as JSON.
type statusShown struct {
	head
	Action string `json:"action"`
	ctl.Status
}

func (p *program) status(ctx context.Context, _ *input) error {
	s, err := p.client.Status(ctx)
	if err != nil {
		return err
	}
	if p.json {
		return p.writeJSON(statusShown{head{schema, true}, "status", s})
	}
	var rows [][]string
	row := func(name, format string, args ...any) {
		rows = append(rows, []string{name, fmt.Sprintf(format, args...)})
	}
	row("version", "%s", clean(s.Version))
	if !s.Started.IsZero() {
		row("up", "%s, since %s", s.Uptime, stamp(s.Started))
	}
	row("you are", "%s", clean(s.User))
	served := "being served"
	if s.Served < s.Revision {
		served = p.human.paint(yellow, fmt.Sprintf("revision %d is being served", s.Served))
	}
	row("revision", "%d, %s", s.Revision, served)
	row("entries", "%d of its own, %d in sources", s.Store.Entries, s.Store.Sourced)
	row("store", "%s, %.1f MiB", clean(s.Store.Path), float64(s.Store.Bytes)/(1<<20))
	for _, z := range s.Zones {
		row("zone", "%s, TTL %s, negative %s", clean(z.Name), z.TTL, z.NegativeTTL)
	}
	if s.Sensor != nil {
		p.sensorRows(s.Sensor, row)
	}
	return p.human.table(rows)
}

func (p *program) statsCommand() *cli.Command {
	return &cli.Command{
		Name:      "stats",
		Usage:     "numbers about the list and its use",
		UsageText: "blctl stats",
		Description: `Prints how many entries are in force, by reason and by source, what the index
takes, and what the daemon has counted of DNS.

exit status: 0

examples:
  blctl stats
  blctl stats --json`,
		Action: p.action(p.stats),
	}
}

// statsShown is what stats prints as JSON.
type statsShown struct {
	head
	Action string `json:"action"`
	ctl.Stats
}

func (p *program) stats(ctx context.Context, _ *input) error {
	s, err := p.client.Stats(ctx)
	if err != nil {
		return err
	}
	if p.json {
		return p.writeJSON(statsShown{head{schema, true}, "stats", s})
	}
	var rows [][]string
	row := func(name string, n int, remark string) { rows = append(rows, []string{name, strconv.Itoa(n), remark}) }
	row("entries in force", s.Entries, fmt.Sprintf("%d of them end within a day", s.Expiring))
	row("exceptions", s.Excepts, "")
	row("allow entries", s.Allows, "")
	for _, r := range s.Reasons {
		row("reason "+clean(r.Name), r.Entries, shadowRemark(r))
	}
	for _, source := range s.Sources {
		name := "source " + clean(source.Name)
		if source.Name == "" {
			name = "of its own"
		}
		row(name, source.Entries, "")
	}
	rows = append(rows, []string{"index", fmt.Sprintf("%.1f MiB", float64(s.Index.Bytes)/(1<<20)), fmt.Sprintf("revision %d", s.Revision)})
	return p.human.table(append(rows, counters("dns", s.DNS)...))
}

func shadowRemark(c ctl.Count) string {
	if c.Published {
		return ""
	}
	return "shadow"
}

// counters are what the DNS side counts, whatever it is: each number under
// its name.
func counters(name string, v any) (rows [][]string) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			rows = append(rows, counters(name+" "+clean(key), v[key])...)
		}
	case []any:
		for n, of := range v {
			rows = append(rows, counters(name+" "+strconv.Itoa(n), of)...)
		}
	case float64:
		rows = append(rows, []string{name, strconv.FormatFloat(v, 'f', -1, 64)})
	case string:
		rows = append(rows, []string{name, clean(v)})
	case bool:
		rows = append(rows, []string{name, strconv.FormatBool(v)})
	}
	return rows
}
