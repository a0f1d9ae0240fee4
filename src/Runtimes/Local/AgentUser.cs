using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Hive.Runtimes.Local;

/// <summary>The user of the machine as which an agent runs where Hive is root. Nothing on the disk belongs to
/// it.</summary>
internal static class AgentUser
{
    // Above the ranges of adduser(8) and of sssd, below those that systemd reserves (systemd.io/UIDS-GIDS).
    private const uint First = 0x7800_0000;
    private const uint Count = 0x7FFD_0000 - First;

    /// <summary>The number of the user and of its group: always the same for an agent of a data folder, and with all
    /// probability another one for each.</summary>
    public static uint Of(string instance, string agent) =>
        First
        + (
            BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{instance}/{agent}"))) % Count
        );
}
