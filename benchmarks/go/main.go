// What go-connlimit and go-libp2p need for what this package does, measured through their public APIs alone. Prints one JSON object: samples in
// nanoseconds for each operation, or bytes. benchmarks/go.ts builds it, runs it beside our own and compares.
package main

import (
	"encoding/json"
	"os"
	"runtime"
	"runtime/debug"
)

type figure struct {
	Name    string    `json:"name"`
	Size    int       `json:"size"`
	Unit    string    `json:"unit"`
	Samples []float64 `json:"samples"`
}

type answer struct {
	Go      string            `json:"go"`
	Modules map[string]string `json:"modules"`
	Figures []figure          `json:"figures"`
}

func main() {
	var figures []figure
	figures = append(figures, bytesPerPeer())
	figures = append(figures, connmgrOperations()...)
	figures = append(figures, trims()...)
	figures = append(figures, connlimits()...)
	figures = append(figures, resourceManager()...)

	must(json.NewEncoder(os.Stdout).Encode(answer{runtime.Version(), modules(), figures}))
}

// The versions that this binary was really built from.
func modules() map[string]string {
	versions := map[string]string{}
	info, _ := debug.ReadBuildInfo()

	for _, module := range info.Deps {
		if module.Path == "github.com/libp2p/go-libp2p" || module.Path == "github.com/hashicorp/go-connlimit" {
			versions[module.Path] = module.Version
		}
	}
	return versions
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
