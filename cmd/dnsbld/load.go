package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"dnsbld/ctl/server"
	"dnsbld/listing"
	"dnsbld/listing/desk"
	"dnsbld/zone"
)

// config is the configuration checked and ready for use.
type config struct {
	data, socket string
	database     string        // file of the list
	offset       time.Duration // of every clock
	json         bool          // log as JSON
	dns          []netip.AddrPort
	workers      int // UDP sockets for each address
	zone         zone.Config
	rules        listing.Rules
	ourNames     []string
	hash         string // of what changes the contents of zones
	mail         mailConfig
	desk         desk.Settings
	web          webConfig
	notes        []string
}

// loadConfig reads and checks a configuration file; no file is the
// development defaults.
func loadConfig(path string) (config, error) {
	return loadWith(path, func(*fileConfig) error { return nil })
}

// loadWith lets flags override what the file says.
func loadWith(path string, override func(*fileConfig) error) (config, error) {
	file, err := defaultFile(), error(nil)
	file.development = path == ""
	if path != "" {
		if file, err = readFile(path); err != nil {
			return config{}, err
		}
	}
	if err := override(&file); err != nil {
		return config{}, err
	}
	c, err := file.resolve()
	if path == "" {
		c.notes = append([]string{"no configuration given: these are the development defaults"}, c.notes...)
	}
	return c, err
}

// mistakes collects what is wrong, so that all of it is said at once.
type mistakes []error

func (m *mistakes) add(err error) {
	if err != nil {
		*m = append(*m, err)
	}
}

func (m *mistakes) addf(format string, args ...any) { m.add(fmt.Errorf(format, args...)) }

// resolve checks the meaning of a file and makes it a configuration.
func (f fileConfig) resolve() (config, error) {
	var wrong mistakes
	c := config{data: f.Data, socket: f.Socket, json: f.LogFormat == "json"}
	if f.Data == "" {
		wrong.addf("data: no directory given")
	}
	if c.socket == "" {
		c.socket = filepath.Join(f.Data, "control.sock")
	}
	c.database = f.database(&wrong)
	c.offset = f.clockOffset
	if f.LogFormat != "text" && f.LogFormat != "json" {
		wrong.addf("log_format = %s: text or json", listing.Quote(f.LogFormat))
	}
	c.dns = f.listeners(&wrong)
	c.workers = f.Listen.workers(&wrong)
	c.rules = f.rules(&wrong)
	c.rules.Policy.Never, c.notes = f.Our.protected(&wrong)
	c.ourNames = f.Our.names()
	c.rules.Roles = f.Roles
	for _, err := range server.CheckRoles(f.Roles) {
		wrong.add(err)
	}
	c.rules.Policy.Canaries = subjects("policy.canaries", f.Policy.Canaries, &wrong)
	switch {
	case len(f.Zones) == 0 && f.development:
		f.Zones = []zoneConfig{developmentZone("bl.test")}
	case len(f.Zones) == 0:
		wrong.addf("zone: there is none: write [[zone]] with name and ns")
	}
	if c.offset != 0 && slices.ContainsFunc(f.Zones, func(z zoneConfig) bool { return !testOnly(z.Name) }) {
		wrong.addf("--clock-offset is for tests: every zone must end in .test or .example")
	}
	if c.rules.Reasons != nil {
		c.zone = f.zones(c.rules.Reasons, &wrong)
		c.mail = f.mail(c, &wrong)
		c.desk = f.desk(c, &wrong)
		c.web = f.web(c, &wrong)
	}
	if wrong = append(f.unknown, wrong...); len(wrong) > 0 {
		return config{}, configError("%v", errors.Join(wrong...))
	}
	c.hash = c.zone.Digest()
	return c, nil
}

// database is the file of the list. The URL leaves room for stores that several
// nodes share.
func (f fileConfig) database(wrong *mistakes) string {
	switch path, ok := strings.CutPrefix(f.store, "bbolt:"); {
	case f.store == "":
		return filepath.Join(f.Data, "listings.db")
	case ok && path != "":
		return path
	}
	wrong.addf("--store %s: write bbolt:PATH", listing.Quote(f.store))
	return ""
}

func (f fileConfig) listeners(wrong *mistakes) []netip.AddrPort {
	var all []netip.AddrPort
	for _, text := range f.Listen.DNS {
		a, err := netip.ParseAddrPort(text)
		if err != nil {
			wrong.addf("listen.dns: %s: write an address and a port, such as 127.0.0.1:53 or [::1]:53", listing.Quote(text))
			continue
		}
		if a.Port() != 0 && slices.Contains(all, a) {
			wrong.addf("listen.dns: %s is there twice", listing.Quote(text))
		}
		all = append(all, a)
	}
	if len(f.Listen.DNS) == 0 {
		wrong.addf("listen.dns: no address given")
	}
	return all
}

func (f fileConfig) rules(wrong *mistakes) listing.Rules {
	p := f.Policy.Policy
	if err := p.Validate(); err != nil {
		wrong.addf("policy: %w", err)
	}
	infos := listing.DefaultReasons()
	for _, r := range f.Reasons {
		infos = r.merge(infos, wrong)
	}
	reasons, err := listing.NewReasons(infos)
	wrong.add(err)
	return listing.Rules{Reasons: reasons, Policy: p}
}

// maxWorkers is more than any machine has use for.
const maxWorkers = 1024

// workers leaves a processor for all that is not answering. Those that a
// container may use count, not those of the machine.
func (l listenConfig) workers(wrong *mistakes) int {
	if l.Workers < 0 || l.Workers > maxWorkers {
		wrong.addf("listen.workers = %d: from 1 to %d", l.Workers, maxWorkers)
	}
	if l.Workers == 0 {
		return max(1, runtime.GOMAXPROCS(0)-1)
	}
	return l.Workers
}

// coalesce is how long answers may wait for each other.
func (l listenConfig) coalesce(wrong *mistakes) time.Duration {
	d, err := time.ParseDuration(l.Coalesce)
	if err != nil {
		wrong.addf("listen.coalesce = %s: write it like \"250us\", or \"0s\" for not at all", listing.Quote(l.Coalesce))
	}
	return d
}

// firstOwn is the first number that operators may give to a reason of theirs.
const firstOwn = 100

// merge lays what the file says of a reason over the catalogue.
func (r reasonFile) merge(infos []listing.ReasonInfo, wrong *mistakes) []listing.ReasonInfo {
	if r.Code < 2 || r.Code > 254 {
		wrong.addf("reason: code = %d: a number is from 2 to 254", r.Code)
		return infos
	}
	n := slices.IndexFunc(infos, func(i listing.ReasonInfo) bool { return int(i.Code) == r.Code })
	switch {
	case n >= 0 && r.Symbol != nil && *r.Symbol != infos[n].Symbol && r.Code < firstOwn:
		wrong.addf("reason %d is %s: its symbol cannot be changed", r.Code, infos[n].Symbol)
		return infos
	case n < 0 && r.Code < firstOwn:
		wrong.addf("reason %d: numbers under %d are this program's; yours begin there", r.Code, firstOwn)
		return infos
	case n < 0:
		n = len(infos)
		infos = append(infos, listing.ReasonInfo{Code: listing.Reason(r.Code), Published: true, Longest: listing.Life(30 * listing.Day),
			Repeat: 1, SelfDelist: listing.SelfNo, Rank: firstOwn, Basis: listing.BasisOther})
	}
	if r.Kind != nil && r.Code < firstOwn {
		wrong.addf("reason %d is %s: its kind cannot be changed", r.Code, infos[n].Symbol)
	} else if r.Kind != nil {
		infos[n].Basis = listing.Basis(*r.Kind)
		infos[n].Needs = infos[n].Basis.Needs()
	}
	set(&infos[n].Symbol, r.Symbol)
	set(&infos[n].Text, r.Text)
	set(&infos[n].Explanation, r.Explain)
	set(&infos[n].Published, r.Published)
	set(&infos[n].Base, r.Base)
	set(&infos[n].Longest, r.Longest)
	set(&infos[n].Repeat, r.Repeat)
	set(&infos[n].Rank, r.Rank)
	if r.SelfDelist != nil {
		infos[n].SelfDelist = listing.SelfDelist(*r.SelfDelist)
	}
	return infos
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// subjects reads addresses and prefixes.
func subjects(key string, texts []string, wrong *mistakes) []listing.Subject {
	return parsed(texts, func(text string) (listing.Subject, error) {
		s, err := listing.ParseSubject(text)
		if err != nil {
			err = fmt.Errorf("%s: %w", key, err)
		}
		return s, err
	}, wrong)
}

// protected are our own addresses: given, or those of this host's interfaces.
func (o ourConfig) protected(wrong *mistakes) (never []listing.Protected, notes []string) {
	texts, why := o.Addresses, "is one of our own servers"
	if texts == nil {
		var err error
		if texts, err = interfaceAddresses(); err != nil {
			return nil, []string{"our.addresses is not given, and this host's interfaces cannot be listed: " + err.Error()}
		}
		why = "is an address of this host"
	}
	for _, s := range subjects("our.addresses", texts, wrong) {
		never = append(never, listing.Protected{Subject: s, Why: why})
	}
	return never, notes
}

// interfaceAddresses are this host's global addresses.
func interfaceAddresses() ([]string, error) {
	addresses, err := net.InterfaceAddrs()
	var texts []string
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			texts = append(texts, p.Addr().WithZone("").String())
		}
	}
	return texts, err
}

// names are our own host names: given, or this host's.
func (o ourConfig) names() []string {
	if o.Names != nil {
		return o.Names
	}
	if name, err := os.Hostname(); err == nil && strings.Contains(name, ".") {
		return []string{name}
	}
	return nil
}
