// sink answers the push protocol of a registry and throws away every byte but those of manifests, which some
// clients want to see again, so that a push measures the client.
// It prints "listening on ADDRESS"; then, for each SIGUSR1, a line of JSON with what came in since the last one.
//
//	sink [-h1] [CERTIFICATE KEY]
//
// With a certificate it speaks HTTPS, and HTTP/2 with whoever wants it; -h1 leaves HTTP/1.1 alone.
package main

import (
	"crypto/sha256"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

var requests, bodyBytes atomic.Int64

var buffers = sync.Pool{New: func() any { return new([1 << 20]byte) }}

func main() {
	onlyH1 := flag.Bool("h1", false, "no HTTP/2")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go report()
	fmt.Printf("listening on %s\n", listener.Addr())
	server := &http.Server{Handler: http.HandlerFunc(answer)}
	if flag.NArg() < 2 {
		panic(server.Serve(listener))
	}
	if *onlyH1 {
		server.TLSConfig = &tls.Config{NextProtos: []string{"http/1.1"}}
	}
	panic(server.ServeTLS(listener, flag.Arg(0), flag.Arg(1)))
}

func report() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	for range signals {
		fmt.Printf("{\"requests\":%d,\"bytes\":%d}\n", requests.Swap(0), bodyBytes.Swap(0))
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	requests.Add(1)
	if strings.Contains(r.URL.Path, "/manifests/") {
		answerManifest(w, r)
		return
	}
	buffer := buffers.Get().(*[1 << 20]byte)
	defer buffers.Put(buffer)
	n, _ := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{&counted{r.Body}}, buffer[:])
	switch r.Method {
	case "POST":
		w.Header().Set("Location", r.URL.Path+"u1")
		w.WriteHeader(http.StatusAccepted)
	case "PATCH":
		end := n - 1
		var start int64
		if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "%d-", &start); err == nil {
			end += start
		}
		w.Header().Set("Location", r.URL.Path)
		w.Header().Set("Range", fmt.Sprintf("0-%d", end))
		w.WriteHeader(http.StatusAccepted)
	case "PUT":
		if digest := r.URL.Query().Get("digest"); digest != "" {
			w.Header().Set("Docker-Content-Digest", digest)
		}
		w.WriteHeader(http.StatusCreated)
	case "HEAD":
		notFound(w)
	default:
		fmt.Fprint(w, "{}")
	}
}

// As registries do, it says how long its answer is; where that is not said, some clients give up the connection.
func notFound(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusNotFound)
}

type manifest struct {
	mediaType string
	bytes     []byte
}

var manifests sync.Map

func answerManifest(w http.ResponseWriter, r *http.Request) {
	repository, reference, _ := strings.Cut(r.URL.Path, "/manifests/")
	if r.Method == "PUT" {
		body, _ := io.ReadAll(&counted{r.Body})
		digest := fmt.Sprintf("sha256:%x", sha256.Sum256(body))
		for _, name := range append(r.URL.Query()["tag"], reference, digest) {
			manifests.Store(repository+"@"+name, manifest{r.Header.Get("Content-Type"), body})
		}
		for _, tag := range r.URL.Query()["tag"] {
			w.Header().Add("OCI-Tag", tag)
		}
		w.Header().Set("Docker-Content-Digest", digest)
		w.WriteHeader(http.StatusCreated)
		return
	}
	found, ok := manifests.Load(repository + "@" + reference)
	if !ok {
		notFound(w)
		return
	}
	body := found.(manifest).bytes
	w.Header().Set("Content-Type", found.(manifest).mediaType)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.Header().Set("Docker-Content-Digest", fmt.Sprintf("sha256:%x", sha256.Sum256(body)))
	w.Write(body)
}

type counted struct{ body io.Reader }

func (c *counted) Read(into []byte) (int, error) {
	n, err := c.body.Read(into)
	bodyBytes.Add(int64(n))
	return n, err
}
