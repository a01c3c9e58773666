// Package config is the configuration of dnsbld: the TOML file as people write it,
// what flags say beside it, and the check of both, which says every mistake of
// meaning at once in words of the file's keys. What comes out is each room's
// settings in the room's own type. It is a package of its own so that the daemon is
// wiring alone, and so that what a reload may not change is said in one place.
package config

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"dnsbld/listing"
	"dnsbld/listing/sighting"
	"dnsbld/zone"
)

// File is the configuration as it is written: the tables of the TOML file,
// and what flags say beside it. example.toml explains the keys, and a test holds
// that it has them all; defaults are filled in before the file is read over them.
// Where a room's own type can be read as it is (zone.Cookies, listing.Policy), the
// file has that; the other shapes here exist because what people write is checked
// with all other mistakes, not where the file is decoded.
type File struct {
	Data      string        `toml:"data"`
	Socket    string        `toml:"socket"`
	LogFormat string        `toml:"log_format"`
	Listen    listenConfig  `toml:"listen"`
	Zones     []zoneConfig  `toml:"zone"`
	Keys      []keyConfig   `toml:"key"`
	Our       ourConfig     `toml:"our"`
	Policy    policyFile    `toml:"policy"`
	Chaos     chaosFile     `toml:"chaos"`
	TCP       tcpConfig     `toml:"tcp"`
	XoT       xotFile       `toml:"xot"`
	Cookies   zone.Cookies  `toml:"cookies"`
	Roles     listing.Roles `toml:"roles"`
	Reasons   []Reason      `toml:"reason"`
	Sources   sourcesFile   `toml:"sources"`
	Sensor    sensorFile    `toml:"sensor"`
	Desk      deskFile      `toml:"desk"`
	Web       webFile       `toml:"web"`
	Limits    limitsConfig  `toml:"limits"`
	Store     storeFile     `toml:"store"`

	Thresholds map[string]sighting.Threshold `toml:"thresholds"` // by symbol of the reason

	// From flags alone: the URL of the store, how far every clock is shifted, and
	// whether the address of the pages was asked for.
	StoreURL    string        `toml:"-"`
	ReadOnly    string        `toml:"-"`
	ClockOffset time.Duration `toml:"-"`
	WebGiven    bool          `toml:"-"`

	development bool             // no file was given
	unknown     listing.Mistakes // keys that there are not
}

// Example is the configuration that `dnsbld example` prints: every key, explained.
//
//go:embed example.toml
var Example string

// listenConfig is [listen]: ADDRESS:PORT each.
type listenConfig struct {
	DNS      []string `toml:"dns"`
	XoT      string   `toml:"xot"`      // transfers over TLS; empty: none
	Workers  int      `toml:"workers"`  // zero: as many as suit this machine
	Coalesce string   `toml:"coalesce"` // a duration of Go, for it is in microseconds
	Web      string   `toml:"web"`      // empty: no pages
	Metrics  string   `toml:"metrics"`  // empty: none

	CookieSecrets []string `toml:"cookie_secrets"` // once secrets of [cookies], which is still read
}

// zoneConfig is a [[zone]]. A reason may be written as a number or a symbol, a TTL
// in seconds or as a duration: so both are any.
type zoneConfig struct {
	Name        string   `toml:"name"`
	Reasons     []any    `toml:"reasons"`
	TTL         any      `toml:"ttl"`
	NegativeTTL any      `toml:"negative_ttl"`
	NS          []string `toml:"ns"`
	Mailbox     string   `toml:"mailbox"`
	Page        string   `toml:"page"`
	A           []string `toml:"a"`
	AAAA        []string `toml:"aaaa"`
	TXT         []string `toml:"txt"`
	MX          []string `toml:"mx"`
	Policy      string   `toml:"policy"`
	Catalog     bool     `toml:"catalog"`
	primaryConfig
	transferConfig
}

// ourConfig is [our]: the receiving side. nil and empty differ: without a key
// addresses and names are those of this host, with [] there are none.
type ourConfig struct {
	Addresses []string `toml:"addresses"`
	Names     []string `toml:"names"`
	Hosted    []string `toml:"hosted"`
	Trusted   []string `toml:"trusted"`
}

// policyFile is [policy]: the policy, with canaries still as text.
type policyFile struct {
	listing.Policy
	Canaries []string `toml:"canaries"`
}

// sourcesFile is [sources]: imported feeds.
type sourcesFile struct {
	Warn life `toml:"warn"` // before the end of a source, and after it
}

// storeFile is [store]: how the list is kept.
type storeFile struct {
	Settle life `toml:"settle"`
	Keep   life `toml:"keep"`
}

// chaosFile is [chaos]: how this server names itself to those who ask.
type chaosFile struct {
	zone.Chaos
	NSID string `toml:"nsid"`
}

// tcpConfig is [tcp]: how many connections, in all and of one client, and how long
// one may be idle.
type tcpConfig struct {
	Connections int  `toml:"connections"`
	PerClient   int  `toml:"per_client"`
	Idle        life `toml:"idle"`
}

// xotFile is [xot]: the certificate for transfers over TLS, PEM files both.
type xotFile struct {
	Certificate string `toml:"certificate"`
	Key         string `toml:"key"`
}

// life is a duration in a file: "90s", "5m", "3d". It has days and weeks, which
// time.Duration lacks.
type life = listing.Life

// seconds reads a TTL: a bare number of seconds, or a duration.
func seconds(v any, otherwise time.Duration) (time.Duration, error) {
	switch v := v.(type) {
	case nil:
		return otherwise, nil
	case int64:
		return time.Duration(v) * time.Second, nil
	case string:
		l, err := listing.ParseLife(v)
		return l.Duration(), err
	}
	return 0, fmt.Errorf("%v is not a duration: write it like 300 or \"5m\"", v)
}

// defaultWeb is where the pages are when nobody says.
const defaultWeb = "127.0.0.1:8053"

// defaultFile is what holds where a file says nothing: a daemon to try, on
// loopback alone.
func defaultFile() File {
	return File{
		Data:       "./var",
		LogFormat:  "text",
		Listen:     listenConfig{DNS: []string{"127.0.0.1:5300", "[::1]:5300"}, Coalesce: "250us", Web: defaultWeb},
		Policy:     policyFile{listing.DefaultPolicy(), []string{}},
		TCP:        tcpConfig{Connections: 1000, PerClient: 50, Idle: life(10 * time.Second)},
		Thresholds: sighting.DefaultThresholds().BySymbol(),
		Sensor:     sensorFile{Mode: "0660", Probation: "24h", PerReceiver: 100, Collect: collectFile{Receivers: []string{}}, Services: map[string]string{}},
		Sources:    sourcesFile{Warn: life(listing.Day)},
		Desk:       deskFile{PerWeek: 3, SourceRemovals: 50},
		Limits:     defaultLimits(),
		Store:      storeFile{Settle: life(10 * time.Minute), Keep: life(400 * listing.Day)},
	}
}

// ServeZones serves zones of which only the names are known, instead of those of
// the file.
func (f *File) ServeZones(names []string) {
	f.Zones = nil
	for _, name := range names {
		f.Zones = append(f.Zones, developmentZone(name))
	}
}

func developmentZone(name string) zoneConfig {
	return zoneConfig{Name: name, NS: []string{"ns1." + name, "ns2." + name}, Page: "https://bl.example/"}
}

// readFile reads a configuration file over the defaults. Errors of syntax name
// their line; unknown keys are noted, and said together with what else is wrong.
func readFile(path string) (File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return File{}, Error("reading the configuration: %v", err)
	}
	return parseFile(path, raw)
}

// parseFile decodes TOML. The library stops at the first value of a wrong type and
// then names Go types, which tell an operator nothing: he is told the key instead.
func parseFile(path string, raw []byte) (File, error) {
	file := defaultFile()
	decoder := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields()
	err := decoder.Decode(&file)
	var unknown *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		for _, e := range unknown.Errors {
			line, _ := e.Position()
			file.unknown.Addf("%s:%d: there is no key %s", path, line, dotted(e.Key()))
		}
	case errors.As(err, &syntax):
		line, column := syntax.Position()
		what := strings.TrimPrefix(syntax.Error(), "toml: ")
		if strings.Contains(what, "cannot decode") || strings.Contains(what, "cannot store") { // it names Go types
			what = dotted(syntax.Key()) + ": this value is not of the kind that belongs there"
		}
		return file, Error("%s:%d:%d: %s", path, line, column, what)
	case err != nil:
		return file, Error("%s: %v", path, err)
	}
	return file, nil
}

// dotted is a key as it stands in a file: listen.dns.
func dotted(key toml.Key) string { return listing.Printable(strings.Join(key, ".")) }
