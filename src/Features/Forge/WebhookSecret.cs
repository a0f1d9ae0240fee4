using System.Security.Cryptography;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>What the forge signs its messages to Hive with, in a file for the host alone. The operator gives it to the
/// forge, or Hive does.</summary>
internal sealed class WebhookSecret(HivePaths paths)
{
    private readonly SecretFile file = new(Path.Combine(paths.DataDir, "forge-webhook-secret"));

    /// <summary>The secret; null when there is none yet.</summary>
    public string? Read() => file.Read();

    /// <summary>Makes one unless there is one.</summary>
    /// <returns>True when it was made.</returns>
    public bool Ensure()
    {
        if (Read() is not null)
            return false;
        file.Write(RandomNumberGenerator.GetHexString(64, lowercase: true));
        return true;
    }
}
