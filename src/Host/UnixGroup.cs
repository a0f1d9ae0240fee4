using System.Globalization;
using System.Runtime.InteropServices;

namespace Hive.Host;

/// <summary>Looks up a group and gives it a file.</summary>
internal static partial class UnixGroup
{
    /// <summary>The group's number; null when there is none of that name.</summary>
    public static int? Find(string name) =>
        File.Exists("/etc/group")
        && File.ReadLines("/etc/group")
            .Select(line => line.Split(':'))
            .FirstOrDefault(parts => parts.Length > 2 && parts[0] == name)
            is { } entry
        && int.TryParse(entry[2], CultureInfo.InvariantCulture, out var id)
            ? id
            : null;

    /// <summary>Changes a file's group. chown(2); -1 leaves the owner.</summary>
    public static void Give(string path, int group)
    {
        if (Chown(path, -1, group) != 0)
            throw new IOException($"the group of {path} cannot be changed (error {Marshal.GetLastPInvokeError()})");
    }

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Chown(string path, int owner, int group);
}
