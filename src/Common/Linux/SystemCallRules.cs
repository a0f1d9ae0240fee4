using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hive.Common.Linux;

/// <summary>A filter of system calls, compiled by libseccomp.</summary>
public sealed unsafe class SystemCallRules : IDisposable
{
    /// <summary>The result of a call that is allowed.</summary>
    public const uint Allow = 0x7fff0000;

    private readonly uint otherwise;
    private nint filter;

    /// <summary>Creates a filter for the calls of this machine's architecture.</summary>
    /// <param name="otherwise">The result of calls that no rule names.</param>
    /// <exception cref="DllNotFoundException">libseccomp is not installed.</exception>
    public SystemCallRules(uint otherwise)
    {
        this.otherwise = otherwise;
        filter = LibSeccomp.Create(otherwise);
        if (filter == 0)
            throw new IOException("libseccomp refuses the default action of the profile");
    }

    /// <summary>This machine's architecture, as libseccomp numbers it.</summary>
    public static uint Native => LibSeccomp.Native();

    /// <summary>The result of a call that fails with an error number. seccomp_rule_add(3).</summary>
    public static uint Error(int number) => 0x00050000u | (uint)number;

    /// <summary>The number of an architecture, such as <c>x86_64</c>; 0 for an unknown one.</summary>
    public static uint Architecture(string name) => LibSeccomp.Architecture(name);

    /// <summary>Applies the rules to the calls of another architecture too.</summary>
    public void Include(uint architecture) => _ = LibSeccomp.AddArchitecture(filter, architecture);

    /// <summary>Adds a rule; does nothing for a call that libseccomp does not know, and for the default
    /// result, which libseccomp refuses.</summary>
    /// <param name="call">The name of the call.</param>
    /// <param name="action">Its result.</param>
    /// <param name="conditions">Conditions on its arguments, all of which must hold.</param>
    /// <exception cref="IOException">libseccomp refuses the rule.</exception>
    public void Add(string call, uint action, ReadOnlySpan<ArgumentCondition> conditions)
    {
        const int Unknown = -1;
        var number = LibSeccomp.Number(call);
        if (number == Unknown || action == otherwise)
            return;
        fixed (ArgumentCondition* first = conditions)
        {
            var error = LibSeccomp.Add(filter, action, number, (uint)conditions.Length, first);
            if (error < 0)
                throw new IOException($"libseccomp refuses the rule of {call} (error {-error})");
        }
    }

    /// <summary>Applies the filter to the calling thread, and so to everything that it starts; no-new-privileges is
    /// left as it is, so that needs root. Nothing can remove it again.</summary>
    /// <exception cref="IOException">The kernel refuses it.</exception>
    public void Load()
    {
        const int NoNewPrivileges = 3;
        var error = LibSeccomp.SetAttribute(filter, NoNewPrivileges, 0);
        if (error == 0)
            error = LibSeccomp.Load(filter);
        if (error < 0)
            throw new IOException($"the kernel refuses the filter of system calls (error {-error})");
    }

    /// <summary>Writes the filter as a program for the kernel.</summary>
    /// <exception cref="IOException">It cannot be compiled or written.</exception>
    public void Export(SafeFileHandle file)
    {
        var error = LibSeccomp.Export(filter, file);
        if (error < 0)
            throw new IOException($"libseccomp cannot compile the profile (error {-error})");
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (filter != 0)
            LibSeccomp.Release(filter);
        filter = 0;
    }
}

/// <summary>A condition on an argument of a system call: struct scmp_arg_cmp of seccomp_rule_add(3).</summary>
/// <param name="Argument">The argument's number, from 0.</param>
/// <param name="Comparison">enum scmp_compare: 1 is not equal, 4 equal, 7 equal under a mask.</param>
/// <param name="First">The value, or the mask.</param>
/// <param name="Second">With a mask the value.</param>
[StructLayout(LayoutKind.Sequential)]
public readonly record struct ArgumentCondition(uint Argument, uint Comparison, ulong First, ulong Second)
{
    /// <summary>Holds for an argument below the value.</summary>
    public const uint Less = 2;

    /// <summary>Holds for the value and everything above it.</summary>
    public const uint GreaterOrEqual = 5;

    /// <summary>Holds when the bits of the mask are those of the value.</summary>
    public const uint MaskedEqual = 7;

    /// <summary>The names of the comparisons in profiles; the first one is number 1.</summary>
    public static readonly string[] Comparisons =
    [
        "SCMP_CMP_NE",
        "SCMP_CMP_LT",
        "SCMP_CMP_LE",
        "SCMP_CMP_EQ",
        "SCMP_CMP_GE",
        "SCMP_CMP_GT",
        "SCMP_CMP_MASKED_EQ",
    ];
}
