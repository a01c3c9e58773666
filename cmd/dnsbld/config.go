package main

import (
	"bytes"
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

// fileConfig is the configuration as it is written. example.toml explains the
// keys; defaults are filled in before the file is read over them.
type fileConfig struct {
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
	Cookies   zone.Cookies  `toml:"cookies"`
	Roles     listing.Roles `toml:"roles"`
	Reasons   []reasonFile  `toml:"reason"`
	Sensor    sensorFile    `toml:"sensor"`
	Desk      deskFile      `toml:"desk"`
	Web       webFile       `toml:"web"`
	Limits    limitsConfig  `toml:"limits"`

	Thresholds map[string]sighting.Threshold `toml:"thresholds"` // by symbol of the reason

	development bool     // no file was given
	webGiven    bool     // the address of the pages was asked for
	unknown     mistakes // keys that there are not

	// From flags alone.
	store       string
	clockOffset time.Duration
}

type listenConfig struct {
	DNS      []string `toml:"dns"`
	Workers  int      `toml:"workers"` // zero: as many as suit this machine
	Coalesce string   `toml:"coalesce"`
	Web      string   `toml:"web"`     // empty: no pages
	Metrics  string   `toml:"metrics"` // empty: none
}

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
	transferConfig
}

type ourConfig struct {
	Addresses []string `toml:"addresses"`
	Names     []string `toml:"names"`
	Hosted    []string `toml:"hosted"`
	Trusted   []string `toml:"trusted"`
}

type policyFile struct {
	listing.Policy
	Canaries []string `toml:"canaries"`
}

type chaosFile struct {
	zone.Chaos
	NSID string `toml:"nsid"`
}

type tcpConfig struct {
	Connections int  `toml:"connections"`
	PerClient   int  `toml:"per_client"`
	Idle        life `toml:"idle"`
}

// reasonFile changes a reason of the catalogue, or adds one; what is left out
// stays as it is.
type reasonFile struct {
	Code       int     `toml:"code"`
	Symbol     *string `toml:"symbol"`
	Kind       *string `toml:"kind"` // a listing.Basis
	Text       *string `toml:"text"`
	Explain    *string `toml:"explanation"`
	Published  *bool   `toml:"published"`
	Base       *life   `toml:"base"`
	Longest    *life   `toml:"longest"`
	Repeat     *int    `toml:"repeat"`
	SelfDelist *string `toml:"self_delist"`
	Rank       *int    `toml:"rank"`
}

// life is a duration in a file: "90s", "5m", "3d".
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

func defaultFile() fileConfig {
	return fileConfig{
		Data:       "./var",
		LogFormat:  "text",
		Listen:     listenConfig{DNS: []string{"127.0.0.1:5300", "[::1]:5300"}, Coalesce: "250us", Web: defaultWeb},
		Policy:     policyFile{listing.DefaultPolicy(), []string{}},
		TCP:        tcpConfig{Connections: 1000, PerClient: 50, Idle: life(10 * time.Second)},
		Thresholds: sighting.DefaultThresholds().BySymbol(),
		Sensor:     sensorFile{Mode: "0660", Collect: collectFile{Receivers: []string{}}, Services: map[string]string{}},
		Desk:       deskFile{PerWeek: 3},
		Limits:     limitsConfig{WebPerMinute: 60, APIPerMinute: 120},
	}
}

// developmentZone is a zone of which only the name is known.
func developmentZone(name string) zoneConfig {
	return zoneConfig{Name: name, NS: []string{"ns1." + name, "ns2." + name}, Page: "https://bl.example/"}
}

// readFile reads a configuration file over the defaults. Errors of syntax name
// their line; unknown keys are noted, and said together with what else is wrong.
func readFile(path string) (fileConfig, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return fileConfig{}, configError("reading the configuration: %v", err)
	}
	return parseFile(path, raw)
}

func parseFile(path string, raw []byte) (fileConfig, error) {
	file := defaultFile()
	decoder := toml.NewDecoder(bytes.NewReader(raw)).DisallowUnknownFields()
	err := decoder.Decode(&file)
	var unknown *toml.StrictMissingError
	var syntax *toml.DecodeError
	switch {
	case errors.As(err, &unknown):
		for _, e := range unknown.Errors {
			line, _ := e.Position()
			file.unknown.addf("%s:%d: there is no key %s", path, line, dotted(e.Key()))
		}
	case errors.As(err, &syntax):
		line, column := syntax.Position()
		what := strings.TrimPrefix(syntax.Error(), "toml: ")
		if strings.Contains(what, "cannot decode") || strings.Contains(what, "cannot store") { // it names Go types
			what = dotted(syntax.Key()) + ": this value is not of the kind that belongs there"
		}
		return file, configError("%s:%d:%d: %s", path, line, column, what)
	case err != nil:
		return file, configError("%s: %v", path, err)
	}
	return file, nil
}

func dotted(key toml.Key) string {
	text := ""
	for n, part := range key {
		if n > 0 {
			text += "."
		}
		text += listing.Printable(part)
	}
	return text
}
