using System.Globalization;
using Hive.CrashHost;
using Hive.Host;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// Runs hive-host and kills it with SIGKILL at one of its steps: Hive.CrashHost CATEGORY N ARGUMENTS…
// A step is a log line of the level Debug whose category begins with CATEGORY; the process ends at the N-th of them,
// or not at all if N is 0. A line `CATEGORY N` on standard input sets another step, and the answer is `armed`.
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
