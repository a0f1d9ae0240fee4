namespace Hive.Protocol;

/// <summary>How <c>hive-agent probe</c> reports to the host whether its container isolates.</summary>
public static class HarnessProbe
{
    /// <summary>The name of the harness's command.</summary>
    public const string Command = "probe";

    /// <summary>The exit code when a kernel setting could be changed from inside; standard error names the
    /// setting.</summary>
    public const int Breached = 3;
}
