namespace Hive.Protocol;

/// <summary>How <c>hive-agent probe</c> tells the host whether the container it runs in isolates.</summary>
public static class HarnessProbe
{
    /// <summary>The harness's command.</summary>
    public const string Command = "probe";

    /// <summary>Its exit code when a setting of the kernel could be changed from inside; standard error says
    /// which.</summary>
    public const int Breached = 3;
}
