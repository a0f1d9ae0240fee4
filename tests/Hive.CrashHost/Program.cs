using System.Globalization;
using Hive.CrashHost;
using Hive.Host;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// hive-host, which ends by SIGKILL at a step of its own: Hive.CrashHost CATEGORY N ARGUMENTS…
// The category is that of the class, or the beginning of those of the classes, whose steps are lines of the level Debug; the N-th of them is the last thing this process does. 0: it lives.
var (category, number) = (args[0], int.Parse(args[1], CultureInfo.InvariantCulture));
var app = HiveApp.Build(args[2..], services => services.AddLogging(log => log.AddProvider(new FatalLines(category, number)).AddFilter<FatalLines>(category, LogLevel.Debug)));
await HiveApp.Start(app);
HiveApp.Announce(app, Console.Out);
await app.WaitForShutdownAsync();
await app.DisposeAsync();
