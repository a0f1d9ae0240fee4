using System.Diagnostics;

namespace Hive.Benchmarks;

/// <summary>Measures the history's filters and its search over a hundred thousand messages of thirty agents, with a
/// thread of five thousand: right after they were sent, and once the index is complete.</summary>
internal static class HistoryFigure
{
    private const int Agents = 30,
        Messages = 100_000,
        InThread = 5000,
        WordsPerMessage = 30,
        Vocabulary = 20_000,
        Requests = 300,
        WarmUp = 30;

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title(
            $"GET /dashboard/history over {Report.Number(Messages)} messages of {Agents} agents, "
                + $"one thread of {Report.Number(InThread)}"
        );
        await using var host = await HiveHost.StartAsync(plan, Agents, ct);
        var words = Words();
        var filling = Stopwatch.StartNew();
        var threads = await Task.WhenAll(
            Enumerable.Range(0, Agents).Select(agent => Task.Run(() => Fill(host, agent, words, ct), ct))
        );
        plan.Report.Progress($"history: sent {Messages} in {filling.Elapsed.TotalSeconds:0.0} s");
        var (a, b) = (host.Agents[0], host.Agents[1]);
        (string Name, string Query)[] queries =
        [
            ("newest", ""),
            ("q, in every second message", $"q={words[0]}"),
            ("q, in one of a thousand", $"q={words[200]}"),
            ("q, in one of 7,000", $"q={words[15_000]}"),
            ("q, two frequent words", $"q={words[3]}%20{words[7]}"),
            ("q, one letter", "q=s"),
            ("q, nowhere", "q=zzzzzzzzzzzz"),
            ("q, no letter", "q=%25"),
            ("q with agent", $"q={words[0]}&agent={a}"),
            ("agent", $"agent={a}"),
            ("agent and with", $"agent={a}&with={b}"),
            ("kind", "kind=agents"),
            ("thread of 5,000", $"thread={threads[0]}"),
            ("agent and thread", $"agent={a}&thread={threads[0]}"),
            ("agent and unread", $"agent={a}&state=unread"),
        ];
        using var http = host.Http();
        await Measure(plan, http, "right after the last send", [queries[1], queries[9], queries[12]], 5, ct);
        var indexing = Stopwatch.StartNew();
        await host.Rest(ct);
        plan.Report.Line($"The index was complete {indexing.Elapsed.TotalSeconds:0} s later.");
        await Measure(plan, http, "indexed", queries, Requests, ct);
        await Figures.KeepMemory(plan, host, "the history", ct);
    }

    private static async Task Measure(
        Plan plan,
        HttpClient http,
        string when,
        IEnumerable<(string Name, string Query)> queries,
        int requests,
        CancellationToken ct
    )
    {
        plan.Report.Line($"\n| {when} | p50 ms | p99 ms | max ms | bytes |\n|---|---|---|---|---|");
        foreach (var (name, query) in queries)
        {
            var address = new Uri($"/dashboard/history?{query}", UriKind.Relative);
            List<double> took = [];
            var bytes = 0;
            for (var n = requests < WarmUp ? 0 : -WarmUp; n < requests; n++)
            {
                var start = Stopwatch.GetTimestamp();
                bytes = (await http.GetByteArrayAsync(address, ct)).Length;
                if (n >= 0)
                    took.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            double p50 = Report.Percentile(took, 0.50),
                p99 = Report.Percentile(took, 0.99),
                max = took.Max();
            plan.Report.Line(
                $"| {name} | {Report.Fraction(p50)} | {Report.Fraction(p99)} | {Report.Fraction(max)} | "
                    + $"{Report.Number(bytes)} |"
            );
            plan.Report.Keep(
                "history",
                new
                {
                    when,
                    name,
                    requests,
                    p50_ms = p50,
                    p99_ms = p99,
                    max_ms = max,
                    bytes,
                }
            );
        }
    }

    // Each agent writes to the next; the first one's messages begin with the long thread.
    private static async Task<long> Fill(HiveHost host, int agent, string[] words, CancellationToken ct)
    {
        var random = new Random(agent);
        using var line = await host.Agent(agent, ct);
        var to = host.Agents[(agent + 1) % Agents];
        var first = 0L;
        for (var n = 0; n < Messages / Agents + (agent == 0 ? InThread : 0); n++)
        {
            // Frequent words come first in the list, as in a language.
            var body = string.Join(
                ' ',
                Enumerable
                    .Range(0, WordsPerMessage)
                    .Select(_ => words[(int)Math.Pow(Vocabulary, random.NextDouble()) - 1])
            );
            var isInThread = n is > 0 and < InThread && agent == 0;
            var id = (
                isInThread
                    ? await line.CallAsync(
                        "send",
                        new
                        {
                            to,
                            body,
                            in_reply_to = first,
                        },
                        ct
                    )
                    : await line.CallAsync("send", new { to, body }, ct)
            ).GetProperty("id").GetInt64();
            first = first == 0 ? id : first;
        }

        return first;
    }

    private static string[] Words()
    {
        var random = new Random(1);
        HashSet<string> words = [];
        while (words.Count < Vocabulary)
        {
            words.Add(new string(random.GetItems<char>("abcdefghijklmnopqrstuvwxyz", random.Next(2, 11))));
        }

        return [.. words];
    }
}
