using System.Globalization;
using Hive.Common.Storage;
using Hive.CrashHost;
using Hive.Host;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// hive-host that kills itself with SIGKILL at one of its steps: Hive.CrashHost CATEGORY N ARGUMENTS… CATEGORY is the
// log category of a class, or a prefix of several; their steps are lines of level Debug. With `Commit:` before a class,
// the steps are the two sides of its commits. The process kills itself at the N-th of them; with 0 it does not. A line
// `CATEGORY N` on standard input sets both again, which is answered with `armed`.
var lines = new FatalLines(args[0], int.Parse(args[1], CultureInfo.InvariantCulture));
var app = await HiveApp.Build(
    args[2..],
    services =>
        services
            .AddLogging(log =>
                log.AddProvider(lines)
                    .AddFilter<FatalLines>("Hive.", LogLevel.Debug)
                    .AddFilter<FatalLines>(SteppedStore.Prefix, LogLevel.Debug)
            )
            .AddSingleton<IStore, SteppedStore>()
);
await HiveApp.Start(app);
HiveApp.Announce(app, Console.Out);
_ = Task.Run(() =>
{
    while (Console.In.ReadLine()?.Split(' ') is [var category, var number])
    {
        lines.Arm(category, int.Parse(number, CultureInfo.InvariantCulture));
        Console.Out.WriteLine("armed");
    }
});
await app.WaitForShutdownAsync();
await app.DisposeAsync();
