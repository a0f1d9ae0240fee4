using System.Globalization;
using Hive.CrashHost;
using Hive.Host;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// hive-host, which ends by SIGKILL at a step of its own: Hive.CrashHost CATEGORY N ARGUMENTS…
// The category is that of the class, or the beginning of those of the classes, whose steps are lines of the level
// Debug; the N-th of them is the last thing this process does. 0: it lives.
// A line `CATEGORY N` on its standard input arms it anew, which it answers with `armed`.
var lines = new FatalLines(args[0], int.Parse(args[1], CultureInfo.InvariantCulture));
var app = HiveApp.Build(
    args[2..],
    services => services.AddLogging(log => log.AddProvider(lines).AddFilter<FatalLines>("Hive.", LogLevel.Debug))
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
