using System.Runtime.CompilerServices;
using Xunit;

[assembly: AssemblyFixture(typeof(Hive.Dashboard.Tests.Browser))]
// A page leaves a core idle half of the time.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace Hive.Dashboard.Tests;

/// <summary>How this run of the tests was asked for.</summary>
internal static class Run
{
    private const string UpdateAria = "HIVE_UPDATE_ARIA";

    /// <summary>The files that <see cref="AriaTests" /> compares are written instead.</summary>
    public static bool UpdatesAria { get; private set; }

    /// <summary>Takes the variable before a host reads the environment, where it would be an unknown option.</summary>
    [ModuleInitializer]
    internal static void ReadEnvironment()
    {
        UpdatesAria = Environment.GetEnvironmentVariable(UpdateAria) is { Length: > 0 };
        Environment.SetEnvironmentVariable(UpdateAria, null);
    }
}
