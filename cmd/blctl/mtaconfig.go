package main

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"text/template"

	"dnsbld/ctl"
	"dnsbld/listing"
)

// mtaTemplates are one file a server: comments and settings, ready to be pasted.
// They are parsed when a configuration is asked for, and by no other command.
//
//go:embed mtaconfig/*.tmpl
var mtaTemplates embed.FS

// mtas are the mail servers and filters that mta-config knows.
var mtas = []string{"postfix", "postscreen", "exim", "rspamd", "spamassassin", "haraka", "opensmtpd"}

// mtaModes say how much a listing counts. They stand in the comment at the head of
// what is printed.
var mtaModes = map[string]string{
	"conservative": "nobody is refused, what would be is written down",
	"balanced":     "refused for what this list has seen itself, imported entries left out",
	"strict":       "refused for whatever the zone answers",
}

// mtaPage is what a template is filled with. Templates call its methods, too.
type mtaPage struct {
	Zone, Mode, Meaning string
	Policy              string // where the policy service answers, as Postfix has it: inet:HOST:PORT or unix:PATH
	Receiver            string // the name of the mail server that asks it
	Reasons             []mtaReason
}

// mtaReason is a reason that is answered, with what filters need beside its
// number.
type mtaReason struct {
	listing.ReasonInfo
	Name  string // of the symbol or rule
	Brief string // for SpamAssassin, which takes 50 characters
	Score float64
}

// isZoneName reports whether a name in lower case has two labels or more of
// letters, digits, underscores and inner hyphens.
func isZoneName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || label != strings.Trim(label, "-") {
			return false
		}
	}
	return strings.Contains(name, ".")
}

// mtaConfig prints a part of a configuration and nothing else, so that it can
// be redirected into a file.
func (p *program) mtaConfig(ctx context.Context, in *input) error {
	server, mode := in.Args().First(), cmp.Or(in.String("mode"), "balanced")
	meaning, known := mtaModes[mode]
	switch {
	case !slices.Contains(mtas, server):
		return usageError("there is no configuration for %s: there are %s", listing.Quote(server), strings.Join(mtas, ", "))
	case !known:
		return usageError("--mode takes conservative, balanced or strict, not %s", listing.Quote(mode))
	}
	st, asked := p.client.Status(ctx)
	zone, reasons, err := p.zoneFor(ctx, in, st, asked)
	if err != nil {
		return err
	}
	page := mtaPage{Zone: zone, Mode: mode, Meaning: meaning, Reasons: mtaReasons(mode, reasons)}
	p.mailServer(&page, in, server, st.Sensor)
	text, err := page.render(server)
	if err != nil {
		return err
	}
	if !p.json {
		if _, err := io.WriteString(p.stdout, text); err != nil {
			return fmt.Errorf("printing the configuration: %w", err)
		}
	}
	return p.conclude("mta-config", struct {
		Server string `json:"server"`
		Zone   string `json:"zone"`
		Mode   string `json:"mode"`
		Config string `json:"config"`
	}{server, zone, mode, text}, nil)
}

// mailServer adds where the policy service answers, and as which mail server's.
func (p *program) mailServer(page *mtaPage, in *input, server string, s *ctl.SensorStatus) {
	page.Policy, page.Receiver = policyPeer(defaultPolicy), "NAME"
	if s != nil {
		page.Receiver = cmp.Or(clean(s.Receiver), page.Receiver)
		if len(s.Policy) > 0 {
			page.Policy = policyPeer(s.Policy[0])
		} else if server == "postfix" && !in.IsSet("policy") {
			fmt.Fprintf(p.stderr, "warning: this dnsbld answers no policy requests: set policy = \"%s\" in [sensor]\n", defaultPolicy)
		}
	}
	if in.IsSet("policy") {
		page.Policy = policyPeer(in.String("policy"))
	}
}

// render fills the template of a server.
func (page mtaPage) render(server string) (string, error) {
	var text strings.Builder
	all, err := template.ParseFS(mtaTemplates, "mtaconfig/*.tmpl")
	if err == nil {
		err = all.ExecuteTemplate(&text, server+".tmpl", page)
	}
	if err != nil {
		return "", fmt.Errorf("writing the configuration of %s: %w", server, err)
	}
	return text.String(), nil
}

// zoneFor is the zone that was given, or else the first of the daemon, and what
// it answers, as far as that can be known. A configuration for a zone that is
// named can be written without a daemon: then the reasons are the built-in ones.
func (p *program) zoneFor(ctx context.Context, in *input, st ctl.Status, asked error) (zone string, answered []listing.ReasonInfo, err error) {
	zone = strings.ToLower(strings.TrimSuffix(in.String("zone"), "."))
	if in.IsSet("zone") && !isZoneName(zone) {
		return "", nil, usageError("--zone takes the name of a zone, not %s", listing.Quote(zone))
	}
	var reasons []listing.ReasonInfo
	if err = asked; err == nil {
		reasons, err = p.client.Reasons(ctx)
	}
	switch {
	case err != nil && in.IsSet("zone"):
		return zone, answeredIn(nil, listing.DefaultReasons()), nil
	case err != nil:
		return "", nil, err
	case !in.IsSet("zone") && len(st.Zones) == 0:
		return "", nil, usageError("mta-config needs --zone here")
	case !in.IsSet("zone"):
		zone = st.Zones[0].Name
	}
	for _, z := range st.Zones {
		if z.Name == zone {
			return zone, answeredIn(z.Reasons, reasons), nil
		}
	}
	return zone, answeredIn(nil, reasons), nil
}

// answeredIn are the reasons that a zone answers: those it names, or all that
// are published if it names none.
func answeredIn(named []listing.Reason, all []listing.ReasonInfo) []listing.ReasonInfo {
	return slices.DeleteFunc(all, func(r listing.ReasonInfo) bool {
		if len(named) == 0 {
			return !r.Published
		}
		return !slices.Contains(named, r.Code)
	})
}

// Answers are the addresses that stand for the reasons.
func (page mtaPage) Answers() string {
	var all []string
	for _, r := range page.Reasons {
		all = append(all, fmt.Sprintf("127.0.0.%d", r.Code))
	}
	return strings.Join(all, ",")
}

// Pattern is the last octets of the reasons as Postfix has them, and of no other
// number: a code that means something else tomorrow must not refuse mail today.
func (page mtaPage) Pattern() string {
	var ranges []string
	for n := 0; n < len(page.Reasons); {
		first, last := page.Reasons[n].Code, page.Reasons[n].Code
		for n++; n < len(page.Reasons) && page.Reasons[n].Code == last+1; n++ {
			last++
		}
		if first == last {
			ranges = append(ranges, fmt.Sprint(int(first)))
		} else {
			ranges = append(ranges, fmt.Sprintf("%d..%d", first, last))
		}
	}
	return "127.0.0.[" + strings.Join(ranges, ";") + "]"
}

// defaultPolicy is where the policy service is in the examples.
const defaultPolicy = "127.0.0.1:10040"

// policyPeer is an address of the policy service as Postfix connects to it. One that
// answers on every address of this host is asked on loopback.
func policyPeer(address string) string {
	if strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "inet:") {
		return clean(address)
	}
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().IsUnspecified() {
		address = net.JoinHostPort("127.0.0.1", fmt.Sprint(a.Port()))
	}
	return "inet:" + clean(address)
}

// mtaReasons are the reasons that count, with how much for filters that add up.
func mtaReasons(mode string, answered []listing.ReasonInfo) []mtaReason {
	var all []mtaReason
	for _, info := range answered {
		if mode == "balanced" && info.Code == listing.Imported {
			continue
		}
		r := mtaReason{ReasonInfo: info, Name: "DNSBLD_" + strings.ToUpper(strings.ReplaceAll(info.Symbol, "-", "_")),
			Brief: fmt.Sprintf("%.50s", "Listed by DNSBL: "+info.Symbol), Score: mtaScore(mode, info.Code)}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b mtaReason) int { return int(a.Code) - int(b.Code) })
	return all
}

// mtaScore is how much a reason counts in a filter that adds up. SpamAssassin and
// Rspamd call a message spam from about 5 on: balanced, a listing alone is not
// enough, strict it is.
func mtaScore(mode string, r listing.Reason) float64 {
	switch {
	case mode == "conservative":
		return 0.1
	case r == listing.Repeat: // stands beside another
		return 1
	case mode == "strict":
		return 8
	}
	return 4
}
