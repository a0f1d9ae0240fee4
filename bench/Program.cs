using System.CommandLine;
using System.Text.Json;
using Hive.Benchmarks;

if (args is [Hostile.Verb, .. var attack])
    return Hostile.Run(attack);
var figures = new Argument<string[]>("figures")
{
    Description = $"all, or some of {string.Join(", ", Figures.Names)}",
    DefaultValueFactory = _ => ["all"],
};
figures.AcceptOnlyFromAmong(["all", .. Figures.Names]);
var rounds = new Option<int>("--rounds") { Description = "rounds of each comparison", DefaultValueFactory = _ => 4 };
var seconds = new Option<int>("--seconds")
{
    Description = "measured seconds of each round",
    DefaultValueFactory = _ => 3,
};
var idleSeconds = new Option<int>("--idle-seconds")
{
    Description = "how long the idle host is watched",
    DefaultValueFactory = _ => 60,
};
var json = new Option<FileInfo?>("--json") { Description = "also write every figure to this file" };
var folder = new Option<DirectoryInfo>("--dir")
{
    Description = "where both servers keep their files; decides the file system that is measured",
    DefaultValueFactory = _ => new DirectoryInfo("/var/tmp"),
};
var host = new Option<FileInfo?>("--host")
{
    Description = "the host to measure; default: the release build of this checkout",
};
var before = new Option<FileInfo?>("--before")
{
    Description = "another build of the host: page measures its page too, and send, cycle and wake compare with it",
};
var openTasks = new Option<int>("--open-tasks")
{
    Description = "send, cycle and wake compare with a host that has this many open tasks, idle and memory measure it",
};
openTasks.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() is var value && (value < 0 || value > 100_000 || value % Filling.AtOnce > 0))
        result.AddError(
            $"--open-tasks must be from 0 to 100000 and a multiple of {Filling.AtOnce}, the tasks of a ticket, "
                + $"not {value}"
        );
});
var hostile = new Option<string[]>("--hostile")
{
    Description = $"fairness measures only these, of {string.Join(", ", FairnessFigure.Kinds)}",
    AllowMultipleArgumentsPerToken = true,
    DefaultValueFactory = _ => [.. FairnessFigure.Kinds],
};
hostile.AcceptOnlyFromAmong(FairnessFigure.Kinds);
foreach (var (option, most) in new[] { (rounds, 100), (seconds, 600), (idleSeconds, 3600) })
{
    option.Validators.Add(result =>
    {
        if (result.GetValueOrDefault<int>() is var value && (value < 1 || value > most))
            result.AddError($"{option.Name} must be from 1 to {most}, not {value}");
    });
}

var command = new RootCommand("Measures Hive against the figures of docs/benchmarks.md, and against Redis Streams.")
{
    figures,
    rounds,
    seconds,
    idleSeconds,
    json,
    folder,
    host,
    before,
    openTasks,
    hostile,
};
command.SetAction(
    async (parsed, ct) =>
    {
        var wanted = parsed.GetValue(figures)!;
        await using var scratch = Scratch.Create(parsed.GetValue(folder)!.FullName);
        var report = new Report(Console.Out, Console.Error);
        try
        {
            var plan = new Plan(
                scratch,
                await Generator.Compile(scratch, ct),
                parsed.GetValue(host)?.FullName ?? HiveHost.DefaultPath,
                parsed.GetValue(before)?.FullName,
                parsed.GetValue(openTasks),
                parsed.GetValue(rounds),
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                TimeSpan.FromSeconds(parsed.GetValue(idleSeconds)),
                parsed.GetValue(hostile)!,
                report
            );
            await Machine.Describe(plan, ct);
            foreach (var name in Figures.Names.Where(name => wanted.Contains(name) || wanted.Contains("all")))
                await Figures.RunAsync(name, plan, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            report.Problem("interrupted");
        }
        catch (BenchmarkException e)
        {
            report.Problem(e.Message);
        }

        if (parsed.GetValue(json) is { } file)
            await File.WriteAllTextAsync(
                file.FullName,
                JsonSerializer.Serialize(report.Entries, Report.Json),
                CancellationToken.None
            );
        return report.Problems == 0 ? 0 : 1;
    }
);

// Stopping the children in order takes longer than the two seconds a signal gets by default.
return await command
    .Parse(args)
    .InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
