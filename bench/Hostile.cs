using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Hive.Benchmarks;

/// <summary>
/// One hostile agent at full speed, as a process of its own: <c>bench hostile KIND SOCKET PEER URL FOLDER</c>. It
/// prints <c>ready</c> when its attack begins, once a second how many answers it has had and how many of them were
/// refusals, and <c>done</c> when an attack that ends has ended.
/// </summary>
internal static class Hostile
{
    /// <summary>The first argument of a hostile process.</summary>
    public const string Verb = "hostile";

    /// <summary>The most messages of one agent that the operator's inbox takes.</summary>
    public const int Unread = 2_000;

    /// <summary>The most messages that one agent can hold.</summary>
    public const int Leased = 10_000;

    private const int Connections = 16,
        Pipelined = 16,
        HalfSent = 4200;

    private static long answers;
    private static long refusals;

    public static int Run(string[] args)
    {
        var (kind, socket, peer, url, folder) = (args[0], args[1], args[2], new Uri(args[3]), args[4]);
        var report = new Thread(Report) { IsBackground = true };
        report.Start();
        switch (kind)
        {
            case "sends":
                Flood(socket, Send(peer, new string('x', 200)));
                break;
            case "turns":
                Turns(socket, Path.GetFileName(Path.GetDirectoryName(socket))!);
                break;
            case "ack-all":
                Flood(socket, """{"cmd":"ack","all":true}""");
                break;
            case "events":
                Flood(socket, Events());
                break;
            case "paths":
                Flood(socket, Send(peer, Paths(folder)));
                break;
            case "connects":
                Ready();
                Parallel(_ => Connect(socket));
                break;
            case "http":
                Ready();
                HalfRequests(url);
                break;
            case "operator":
                Repeat(socket, Send("operator", new string('x', 200)), Unread);
                Ready();
                break;
            case "requeue":
                Requeue(socket, Path.GetFileName(Path.GetDirectoryName(socket))!);
                break;
            default:
                throw new BenchmarkException($"unknown kind '{kind}'");
        }

        // The parent ends this process; its connections stay open until then.
        Thread.Sleep(Timeout.Infinite);
        return 0;
    }

    private static void Report()
    {
        while (true)
        {
            Thread.Sleep(1000);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"answers {Interlocked.Read(ref answers)} refused {Interlocked.Read(ref refusals)}"
                )
            );
        }
    }

    private static void Ready()
    {
        Interlocked.Exchange(ref answers, 0);
        Interlocked.Exchange(ref refusals, 0);
        Console.WriteLine("ready");
    }

    private static string Send(string to, string body) => $$"""{"cmd":"send","to":"{{to}}","body":"{{body}}"}""";

    private static string Events()
    {
        var text = new string('x', 300);
        var one = $$"""{"kind":"assistant_text","at":"2026-01-31T12:00:00Z","text":"{{text}}"}""";
        return """{"cmd":"emit","events":[""" + string.Join(',', Enumerable.Repeat(one, 100)) + "]}";
    }

    // 2 KB of paths that each lead through links in links, as deep as the kernel follows them.
    private static string Paths(string folder)
    {
        Directory.CreateDirectory(folder);
        var name = Path.GetFileName(Path.GetDirectoryName(folder)!);
        for (var depth = 0; depth < 8; depth++)
        {
            var link = Path.Combine(folder, $"l{depth}");
            if (!Path.Exists(link))
                File.CreateSymbolicLink(
                    link,
                    depth == 0 ? "." : string.Join('/', Enumerable.Repeat($"l{depth - 1}", 5))
                );
        }

        return string.Join(' ', Enumerable.Range(0, 60).Select(n => $"/agents/{name}/state/l7/l7/{n}"));
    }

    private static void Flood(string socket, string line)
    {
        Ready();
        Parallel(_ =>
        {
            using var client = new Line(socket);
            while (true)
                client.Exchange(line, Pipelined);
        });
    }

    private static void Repeat(string socket, string line, int times) =>
        Parallel(_ =>
        {
            using var client = new Line(socket);
            for (var sent = 0; sent < times / Connections; sent += Pipelined)
                client.Exchange(line, Pipelined);
        });

    private static void Turns(string socket, string self)
    {
        var tools = string.Join(',', Enumerable.Range(0, 200).Select(n => $"\"tool_{n}_{new string('x', 150)}\":{n}"));
        Ready();
        Parallel(_ =>
        {
            using var client = new Line(socket);
            while (true)
            {
                client.Exchange(Send(self, "again"), 1);
                if (Number(client.Exchange("""{"cmd":"recv","max":1,"wait_seconds":1}""", 1), "\"id\":") is not { } id)
                    continue;
                var begun = client.Exchange($$"""{"cmd":"begin_turn","ids":[{{id}}],"wake_from":"{{self}}"}""", 1);
                if (Number(begun, "\"turn\":") is { } turn)
                    client.Exchange(
                        $$"""{"cmd":"end_turn","result":"ok","tool_calls":{ {{tools}} },"turn":{{turn}} }""",
                        1
                    );
            }
        });
    }

    private static void Requeue(string socket, string self)
    {
        Repeat(socket, Send(self, new string('x', 200)), Leased);
        var held = Enumerable.Range(0, Connections).Select(_ => new Line(socket)).ToArray();
        Parallel(n =>
        {
            while (held[n].Exchange("""{"cmd":"recv","max":32,"wait_seconds":0}""", 1).Contains("\"id\"")) { }
        });
        using var other = new Line(socket);
        Console.WriteLine("status " + other.Exchange("""{"cmd":"status"}""", 1));
        Ready();
        Array.ForEach(held, line => line.Dispose());
        while (!other.Exchange("""{"cmd":"status"}""", 1).Contains("\"leased\":0"))
        {
            other.Exchange("""{"cmd":"requeue_inflight"}""", 1);
            Thread.Sleep(100);
        }

        Console.WriteLine("done");
    }

    private static void Connect(string socket)
    {
        while (true)
        {
            using var client = new Line(socket);
            client.Exchange("""{"cmd":"whoami"}""", 1);
        }
    }

    private static void HalfRequests(Uri url)
    {
        var open = new Queue<Socket>();
        var half = "GET /api/state HTTP/1.1\r\nHost: "u8.ToArray();
        while (true)
        {
            if (open.Count == HalfSent)
                open.Dequeue().Dispose();
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(new IPEndPoint(IPAddress.Loopback, url.Port));
                socket.Send(half);
                Interlocked.Increment(ref answers);
                open.Enqueue(socket);
            }
            catch (SocketException)
            {
                Interlocked.Increment(ref refusals);
                socket.Dispose();
            }
        }
    }

    private static void Parallel(Action<int> run)
    {
        var threads = Enumerable.Range(0, Connections).Select(n => new Thread(() => Always(() => run(n)))).ToArray();
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }

    // A host that closes connections is attacked over new ones.
    private static void Always(Action run)
    {
        while (true)
        {
            try
            {
                run();
                return;
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                Interlocked.Increment(ref refusals);
            }
        }
    }

    private static long? Number(string answer, string name)
    {
        var at = answer.IndexOf(name, StringComparison.Ordinal);
        if (at < 0)
            return null;
        var digits = answer.AsSpan(at + name.Length);
        var length = digits.IndexOfAnyExceptInRange('0', '9');
        return long.Parse(digits[..(length < 0 ? digits.Length : length)], CultureInfo.InvariantCulture);
    }

    /// <summary>A connection that blocks its thread, which costs the attacker least.</summary>
    private sealed class Line : IDisposable
    {
        private readonly Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly byte[] buffer = new byte[128 * 1024];

        public Line(string path) => socket.Connect(new UnixDomainSocketEndPoint(path));

        /// <summary>Sends a line several times, and reads as many answers.</summary>
        /// <returns>The last part of the answers.</returns>
        public string Exchange(string line, int times)
        {
            socket.Send(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(line + "\n", times))));
            var (lines, text) = (0, "");
            while (lines < times)
            {
                var read = socket.Receive(buffer);
                if (read == 0)
                    throw new IOException("the host closed the connection");
                var part = buffer.AsSpan(0, read);
                lines += part.Count((byte)'\n');
                text = times == 1 ? text + Encoding.UTF8.GetString(part) : "";
                Count(part);
            }

            Interlocked.Add(ref answers, times);
            return text;
        }

        public void Dispose() => socket.Dispose();

        // An answer may be cut in two by a read; one that is missed changes no figure.
        private static void Count(ReadOnlySpan<byte> part)
        {
            var refused = part.Count("\"ok\":false"u8);
            if (refused > 0)
                Interlocked.Add(ref refusals, refused);
        }
    }
}
