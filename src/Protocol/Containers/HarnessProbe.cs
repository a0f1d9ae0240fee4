namespace Hive.Protocol;

/// <summary>How <c>hive-agent probe</c> reports to the host whether its container isolates.</summary>
public static class HarnessProbe
{
    /// <summary>The name of the harness's command.</summary>
    public const string Command = "probe";

    /// <summary>The option with the number of the user that it must be.</summary>
    public const string User = "--user";

    /// <summary>The option by which its system calls must be filtered.</summary>
    public const string Filter = "--filter";

    /// <summary>The exit code when it is another user or has no filter; standard error says which.</summary>
    public const int NotApplied = 4;

    /// <summary>The exit code when a kernel setting could be changed from inside; standard error names the
    /// setting.</summary>
    public const int Breached = 3;
}
